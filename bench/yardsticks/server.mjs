// A server on node:http that answers every request with the same 1 KiB from memory, or for items.json with 2 KiB of JSON:
// the origin of the proxy benchmarks, and the baseline for replay. It uses TLS if the second argument is a file with key and certificate.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const [port, pem] = process.argv.slice(2);
const body = Buffer.alloc(1024, "x");
const item = (id) => ({
	id: `0f8fad5b-d9cb-469f-a165-${String(id).padStart(12, "0")}`,
	name: "An item of the list",
	created_at: "2026-01-02T03:04:05Z",
	tags: ["one", "two"],
	price: 1234,
	description: "Some words that describe this thing",
});
const json = Buffer.from(JSON.stringify({ items: Array.from({ length: 10 }, (_, id) => item(id)) }));
const answer = ({ url }, response) => {
	const [type, content] = url.includes("items.json") ? ["application/json", json] : ["text/plain", body];
	response.writeHead(200, { "content-type": type, "content-length": content.length });
	response.end(content);
};
const server = pem
	? https.createServer({ key: readFileSync(pem), cert: readFileSync(pem) }, answer)
	: http.createServer(answer);
server.listen(Number(port), "127.0.0.1");
