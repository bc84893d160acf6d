// node:http answering every request with the same 1 KiB from memory: origin of the proxy benchmarks, yardstick of replay.
import http from "node:http";

const body = Buffer.alloc(1024, "x");
http
	.createServer((_request, response) => {
		response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
		response.end(body);
	})
	.listen(Number(process.argv[2]), "127.0.0.1");
