// A minimal forward proxy on node:http, as a baseline for the recording proxy: no interception, no recording, no hooks.
import http from "node:http";

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
http
	.createServer((request, response) => {
		const { hostname: host, port, pathname, search } = new URL(request.url);
		const upstream = http.request(
			{ agent, host, port, path: pathname + search, method: request.method, headers: request.headers },
			(answer) => {
				response.writeHead(answer.statusCode, answer.headers);
				answer.pipe(response);
			},
		);
		upstream.on("error", () => response.destroy());
		request.pipe(upstream);
	})
	.listen(Number(process.argv[2]), "127.0.0.1");
