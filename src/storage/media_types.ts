/**
 * Media types by a name's extension: the common third of the 1208 that mime-db knows (https://github.com/jshttp/mime-db), whose whole
 * table is 146 KB.
 */

/** Of an extension without its dot, in letters of any case. undefined for one that isn't in the table. */
export function findMediaType(extension: string): string | undefined {
  types ??= readTable();
  return types.get(extension.toLowerCase());
}

let types: ReadonlyMap<string, string> | undefined;

function readTable(): ReadonlyMap<string, string> {
  const lines = TABLE.trim().split("\n").map((line) => line.split(" "));
  return new Map(
    lines.flatMap(([type = "", ...extensions]) =>
      extensions.map((extension) => [extension, type] as const)
    ),
  );
}

const TABLE = `
application/appx appx
application/atom+xml atom
application/dash+xml mpd
application/dash-patch+xml mpp
application/ecmascript ecma
application/epub+zip epub
application/geo+json geojson
application/gml+xml gml
application/gpx+xml gpx
application/gzip gz
application/hjson hjson
application/java-archive ear jar war
application/java-vm class
application/json json map
application/json5 json5
application/ld+json jsonld
application/mac-binhex40 hqx
application/manifest+json webmanifest
application/mathml+xml mathml
application/mbox mbox
application/mp4 m4p
application/msword doc dot
application/mxf mxf
application/n-triples nt
application/node cjs
application/octet-stream bin dump img pkg so
application/oda oda
application/oebps-package+xml opf
application/ogg ogx
application/onenote onetoc
application/oxps oxps
application/pdf pdf
application/pgp-encrypted pgp
application/pgp-keys asc
application/pgp-signature sig
application/pkcs10 p10
application/pkcs7-mime p7c p7m
application/pkcs7-signature p7s
application/pkcs8 p8
application/pkix-cert cer
application/pkix-crl crl
application/pls+xml pls
application/postscript ai eps ps
application/rdf+xml owl rdf
application/rss+xml rss
application/rtf rtf
application/sparql-query rq
application/sql sql
application/tei+xml tei
application/toml toml
application/trig trig
application/ttml+xml ttml
application/vnd.android.package-archive apk
application/vnd.apple.installer+xml mpkg
application/vnd.apple.keynote key
application/vnd.apple.mpegurl m3u8
application/vnd.apple.numbers numbers
application/vnd.apple.pages pages
application/vnd.apple.pkpass pkpass
application/vnd.dart dart
application/vnd.google-apps.document gdoc
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz kmz
application/vnd.iccprofile icc
application/vnd.koan skp
application/vnd.mozilla.xul+xml xul
application/vnd.ms-cab-compressed cab
application/vnd.ms-excel xla xls
application/vnd.ms-excel.addin.macroenabled.12 xlam
application/vnd.ms-excel.sheet.binary.macroenabled.12 xlsb
application/vnd.ms-excel.sheet.macroenabled.12 xlsm
application/vnd.ms-fontobject eot
application/vnd.ms-officetheme thmx
application/vnd.ms-outlook msg
application/vnd.ms-powerpoint pot pps ppt
application/vnd.ms-powerpoint.presentation.macroenabled.12 pptm
application/vnd.ms-word.document.macroenabled.12 docm
application/vnd.ms-works wps
application/vnd.ms-xpsdocument xps
application/vnd.oasis.opendocument.chart odc
application/vnd.oasis.opendocument.database odb
application/vnd.oasis.opendocument.formula odf
application/vnd.oasis.opendocument.graphics odg
application/vnd.oasis.opendocument.graphics-template otg
application/vnd.oasis.opendocument.image odi
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.presentation-template otp
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.spreadsheet-template ots
application/vnd.oasis.opendocument.text odt
application/vnd.oasis.opendocument.text-template ott
application/vnd.oasis.opendocument.text-web oth
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.presentationml.slideshow ppsx
application/vnd.openxmlformats-officedocument.presentationml.template potx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.spreadsheetml.template xltx
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.openxmlformats-officedocument.wordprocessingml.template dotx
application/vnd.palm pdb
application/vnd.rar rar
application/vnd.rn-realmedia rm
application/vnd.rn-realmedia-vbr rmvb
application/vnd.tcpdump.pcap pcap
application/vnd.visio vsd
application/wasm wasm
application/winhlp hlp
application/wsdl+xml wsdl
application/x-7z-compressed 7z
application/x-abiword abw
application/x-apple-diskimage dmg
application/x-bittorrent torrent
application/x-bzip bz
application/x-bzip2 bz2
application/x-chess-pgn pgn
application/x-chrome-extension crx
application/x-cpio cpio
application/x-csh csh
application/x-debian-package deb udeb
application/x-hdf hdf
application/x-httpd-php php
application/x-iso9660-image iso
application/x-java-archive-diff jardiff
application/x-java-jnlp-file jnlp
application/x-latex latex
application/x-lua-bytecode luac
application/x-lzh-compressed lha lzh
application/x-makeself run
application/x-mobipocket-ebook mobi
application/x-ms-shortcut lnk
application/x-msaccess mdb
application/x-msdos-program exe
application/x-msdownload bat msi
application/x-mspublisher pub
application/x-mswrite wri
application/x-netcdf nc
application/x-perl pl pm
application/x-pkcs12 p12 pfx
application/x-pkcs7-certificates p7b
application/x-pkcs7-certreqresp p7r
application/x-redhat-package-manager rpm
application/x-sh sh
application/x-shockwave-flash swf
application/x-stuffit sit
application/x-stuffitx sitx
application/x-subrip srt
application/x-tar tar
application/x-tcl tcl
application/x-tex tex
application/x-ustar ustar
application/x-virtualbox-hdd hdd
application/x-virtualbox-ova ova
application/x-virtualbox-ovf ovf
application/x-virtualbox-vbox vbox
application/x-virtualbox-vdi vdi
application/x-virtualbox-vhd vhd
application/x-virtualbox-vmdk vmdk
application/x-wais-source src
application/x-web-app-manifest+json webapp
application/x-x509-ca-cert crt der pem
application/x-xpinstall xpi
application/x-xz xz
application/xaml+xml xaml
application/xhtml+xml xhtml
application/xml rng xml xsd xsl
application/xml-dtd dtd
application/xop+xml xop
application/xslt+xml xslt
application/xspf+xml xspf
application/xv+xml mxml
application/yang yang
application/zip zip
audio/aac aac
audio/amr amr
audio/basic au snd
audio/midi kar mid midi
audio/mp4 m4a mp4a
audio/mpeg mp2 mp3 mpga
audio/ogg oga ogg opus spx
audio/wave wav
audio/webm weba
audio/x-aiff aif aiff
audio/x-flac flac
audio/x-matroska mka
audio/x-mpegurl m3u
audio/x-ms-wma wma
audio/x-pn-realaudio ra ram
audio/xm xm
font/collection ttc
font/otf otf
font/ttf ttf
font/woff woff
font/woff2 woff2
image/aces exr
image/apng apng
image/avif avif
image/bmp bmp
image/emf emf
image/fits fits
image/gif gif
image/heic heic
image/heic-sequence heics
image/heif heif
image/ief ief
image/jp2 jp2
image/jpeg jpe jpeg jpg
image/jpm jpgm jpm
image/jpx jpf jpx
image/jxl jxl
image/jxr jxr
image/ktx2 ktx2
image/png png
image/sgi sgi
image/svg+xml svg svgz
image/tiff tif tiff
image/vnd.adobe.photoshop psd
image/vnd.djvu djv djvu
image/vnd.dwg dwg
image/vnd.dxf dxf
image/vnd.microsoft.icon ico
image/vnd.zbrush.pcx pcx
image/webp webp
image/wmf wmf
image/x-portable-anymap pnm
image/x-portable-bitmap pbm
image/x-portable-graymap pgm
image/x-portable-pixmap ppm
image/x-rgb rgb
image/x-tga tga
image/x-xbitmap xbm
image/x-xpixmap xpm
message/rfc822 eml mime
model/3mf 3mf
model/gltf+json gltf
model/gltf-binary glb
model/iges igs
model/mtl mtl
model/obj obj
model/prc prc
model/step+xml stpx
model/stl stl
model/u3d u3d
model/vnd.usda usda
model/vnd.usdz+zip usdz
model/vrml wrl
model/x3d+xml x3d
text/cache-manifest manifest
text/calendar ics
text/coffeescript coffee litcoffee
text/css css
text/csv csv
text/html htm html shtml
text/jade jade
text/javascript js mjs
text/jsx jsx
text/less less
text/markdown markdown md
text/mathml mml
text/mdx mdx
text/n3 n3
text/plain conf in ini log text txt
text/richtext rtx
text/sgml sgm sgml
text/slim slim
text/spdx spdx
text/stylus styl stylus
text/tab-separated-values tsv
text/troff man roff t tr
text/turtle ttl
text/uri-list uri
text/vcard vcard
text/vnd.dvb.subtitle sub
text/vnd.sun.j2me.app-descriptor jad
text/vnd.wap.wml wml
text/vtt vtt
text/wgsl wgsl
text/x-asm asm s
text/x-c c cc cpp cxx h hh
text/x-component htc
text/x-fortran for
text/x-handlebars-template hbs
text/x-java-source java
text/x-lua lua
text/x-markdown mkd
text/x-nfo nfo
text/x-opml opml
text/x-pascal pas
text/x-sass sass
text/x-scss scss
text/x-vcalendar vcs
text/x-vcard vcf
text/yaml yaml yml
video/3gpp 3gp 3gpp
video/3gpp2 3g2
video/iso.segment m4s
video/mj2 mj2
video/mp2t m2t m2ts mts ts
video/mp4 mp4 mp4v mpg4
video/mpeg m1v m2v mpe mpeg mpg
video/ogg ogv
video/quicktime mov qt
video/vnd.mpegurl m4u
video/webm webm
video/x-f4v f4v
video/x-fli fli
video/x-flv flv
video/x-m4v m4v
video/x-matroska mk3d mks mkv
video/x-mng mng
video/x-ms-asf asf asx
video/x-ms-vob vob
video/x-ms-wmv wmv
video/x-msvideo avi
video/x-sgi-movie movie
`;
