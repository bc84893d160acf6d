// node:http answering every request with the same 1 KiB from memory: origin of the proxy benchmarks, yardstick of replay. By TLS with a second
// argument, a file of key and certificate.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const [port, pem] = process.argv.slice(2);
const body = Buffer.alloc(1024, "x");
const answer = (_request, response) => {
	response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
	response.end(body);
};
const server = pem ? https.createServer({ key: readFileSync(pem), cert: readFileSync(pem) }, answer) : http.createServer(answer);
server.listen(Number(port), "127.0.0.1");
