// A server on node:http that answers with as many MiB as the path says, and reads the bodies of PUT requests: the
// origin for large bodies.
import http from "node:http";
import { Readable } from "node:stream";

const piece = Buffer.alloc(64 * 1024, "x");
http
	.createServer((request, response) => {
		if (request.method === "PUT") {
			request.on("end", () => response.end()).resume();
			return;
		}
		const pieces = 16 * Number(new URL(request.url, "http://origin").pathname.slice(1));
		response.writeHead(200, { "content-type": "application/octet-stream", "content-length": pieces * piece.length });
		Readable.from(Array(pieces).fill(piece)).pipe(response);
	})
	.listen(Number(process.argv[2]), "127.0.0.1");
