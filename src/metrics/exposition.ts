/**
 * Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. Written here and not
 * by prom-client: requests are counted in plain fields, and what is left is this page of text.
 */

import type { Histogram } from "./histogram.ts";

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

export type Sample = readonly [labels: Labels, value: number];

/** Builds a page, one family after the other. */
export class Exposition {
  #text = "";

  get text(): string {
    return this.#text;
  }

  counter(name: string, help: string, samples: Iterable<Sample>): void {
    this.#family(name, help, "counter", samples);
  }

  gauge(name: string, help: string, samples: Iterable<Sample>): void {
    this.#family(name, help, "gauge", samples);
  }

  histogram(name: string, help: string, all: Iterable<readonly [Labels, Histogram]>): void {
    this.#head(name, help, "histogram");
    for (const [labels, histogram] of all) {
      let count = 0;
      histogram.counts.forEach((inBucket, at) => {
        count += inBucket;
        const le = formatValue(histogram.bounds[at] ?? Infinity);
        this.#sample(`${name}_bucket`, { ...labels, le }, count);
      });
      this.#sample(`${name}_sum`, labels, histogram.sum);
      this.#sample(`${name}_count`, labels, count);
    }
  }

  #family(name: string, help: string, type: string, samples: Iterable<Sample>): void {
    this.#head(name, help, type);
    for (const [labels, value] of samples) this.#sample(name, labels, value);
  }

  #head(name: string, help: string, type: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    const all = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
    this.#text += `${name}${all} ${formatValue(value)}\n`;
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  return value === Infinity ? "+Inf" : String(value);
}
