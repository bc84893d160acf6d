// The shortest forward proxy that node:http allows: no interception, no recording, no hooks. What a recording proxy is measured against.
import http from "node:http";

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
http
	.createServer((request, response) => {
		const { hostname: host, port, pathname, search } = new URL(request.url);
		const upstream = http.request({ agent, host, port, path: pathname + search, method: request.method, headers: request.headers }, (answer) => {
			response.writeHead(answer.statusCode, answer.headers);
			answer.pipe(response);
		});
		upstream.on("error", () => response.destroy());
		request.pipe(upstream);
	})
	.listen(Number(process.argv[2]), "127.0.0.1");
