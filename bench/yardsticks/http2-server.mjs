// A server on node:http2 that answers every request with the same 1 KiB from memory. Arguments: port, file with key and
// certificate.
import { readFileSync } from "node:fs";
import http2 from "node:http2";

const [port, pem] = process.argv.slice(2);
const both = readFileSync(pem);
const body = Buffer.alloc(1024, "x");
http2
	.createSecureServer({ key: both, cert: both })
	.on("stream", (stream) => {
		stream.on("error", () => {});
		stream.respond({ ":status": 200, "content-type": "text/plain", "content-length": body.length });
		stream.end(body);
	})
	.listen(Number(port), "127.0.0.1");
