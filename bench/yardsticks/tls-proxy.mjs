// A minimal reverse proxy on Node with TLS to the client. Arguments: port, port of the origin, file with key and
// certificate.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const [port, origin, pem] = process.argv.slice(2);
const both = readFileSync(pem);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
https
	.createServer({ key: both, cert: both }, (request, response) => {
		const options = {
			agent,
			host: "127.0.0.1",
			port: origin,
			path: request.url,
			method: request.method,
			headers: request.headers,
		};
		const upstream = http.request(options, (answer) => {
			response.writeHead(answer.statusCode, answer.headers);
			answer.pipe(response);
		});
		upstream.on("error", () => response.destroy());
		request.pipe(upstream);
	})
	.listen(Number(port), "127.0.0.1");
