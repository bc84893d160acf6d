// The site of the demo: a few pages over HTTP and HTTPS. The argument is the folder of an authority. Prints the two
// addresses on stdout.
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { openAuthority } from "../src/ca/authority.ts";

let visits = 0;

function answer(request: IncomingMessage, response: ServerResponse): void {
	visits++;
	const { pathname } = new URL(request.url ?? "/", "http://site");
	if (pathname === "/login")
		response.setHeader(
			"set-cookie",
			`session=s${visits}; Path=/; Expires=${new Date(Date.now() + 3600_000).toUTCString()}`,
		);
	if (pathname === "/missing") response.statusCode = 404;
	if (pathname.startsWith("/api/")) {
		response.setHeader("content-type", "application/json");
		response.end(JSON.stringify({ path: request.url, visit: visits, method: request.method }));
		return;
	}
	response.setHeader("content-type", "text/html");
	response.end(`<h1>${pathname}</h1><p>visit ${visits}</p>`);
}

const authority = await openAuthority(process.argv[2] ?? ".");
const { context } = authority.leafFor({ sni: "localhost", host: "localhost" });
const http = createHttp(answer);
const https = createHttps({ SNICallback: (_, done) => done(null, context) }, answer);
await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
const port = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
console.log(JSON.stringify({ http: `http://localhost:${port(http)}`, https: `https://localhost:${port(https)}` }));
