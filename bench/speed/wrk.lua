-- wrk sends the requests of a file (see request_file.ts): round robin, or each once ("once").
-- The last line that it prints is a JSON object, as of loader.ts.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } timespec_t;
  int clock_gettime(int clock, timespec_t *time);
  int getpid(void);
  int kill(int pid, int signal);
]]
local MONOTONIC, SIGINT = 1, 2

local requests = {}
local sent = 0
local isVerified = false
local thread_of_all

-- Of each request being sent once, from the first request to the last reply. wrk itself would go on until its time is over.
elapsed_us = 0

local function now_us()
  local time = ffi.new("timespec_t")
  ffi.C.clock_gettime(MONOTONIC, time)
  return tonumber(time.seconds) * 1e6 + tonumber(time.nanoseconds) / 1e3
end

local function read_requests(path)
  local file = assert(io.open(path, "rb"))
  local header = file:read(4)
  while header do
    local a, b, c, d = header:byte(1, 4)
    requests[#requests + 1] = file:read(a + b * 256 + c * 65536 + d * 16777216)
    header = file:read(4)
  end
  file:close()
end

function setup(thread)
  thread_of_all = thread
end

function init(args)
  read_requests(args[1])
  request = args[2] == "once" and request_once or request_again
  if args[2] == "once" then response = count_response end
end

-- wrk's first call only looks at the form of a request and sends nothing.
function request_again()
  if not isVerified then
    isVerified = true
    return requests[1]
  end
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

local start_us
local answered = 0

function request_once()
  if isVerified and sent >= #requests then return "" end
  if isVerified and sent == 0 then start_us = now_us() end
  return request_again()
end

function count_response()
  answered = answered + 1
  if answered < #requests then return end
  elapsed_us = now_us() - start_us
  wrk.thread:stop()
  ffi.C.kill(ffi.C.getpid(), SIGINT)
end

function done(summary, latency)
  local once_us = thread_of_all:get("elapsed_us")
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"bytes":%.0f,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,' ..
    '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}}\n',
    summary.requests, summary.bytes, (once_us > 0 and once_us or summary.duration) / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout
  ))
end
