// A server on node:http that answers every request with the same 1 KiB from memory: the origin of the proxy benchmarks,
// and the baseline for replay. It uses TLS if the second argument is a file with key and certificate.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const [port, pem] = process.argv.slice(2);
const body = Buffer.alloc(1024, "x");
const answer = (_request, response) => {
	response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
	response.end(body);
};
const server = pem
	? https.createServer({ key: readFileSync(pem), cert: readFileSync(pem) }, answer)
	: http.createServer(answer);
server.listen(Number(port), "127.0.0.1");
