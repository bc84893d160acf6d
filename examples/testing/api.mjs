// An API for the examples: users get an id and a date, and orders a number. Prints its address.
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

let orders = 0;

const server = createServer(async (request, response) => {
	response.setHeader("content-type", "application/json");
	response.setHeader("access-control-allow-origin", "*").setHeader("access-control-allow-headers", "*");
	if (request.url === "/users" && request.method === "POST") {
		const { id, name } = await json(request);
		response.writeHead(201).end(JSON.stringify({ id, name, createdAt: new Date().toISOString() }));
	} else if (request.url?.startsWith("/orders")) response.end(JSON.stringify({ number: ++orders }));
	else if (request.url?.startsWith("/status")) response.end(JSON.stringify({ status: "up" }));
	else if (request.method === "OPTIONS") response.writeHead(204).end();
	else response.writeHead(404).end(JSON.stringify({ error: "not found" }));
});
server.listen(Number(process.env.PORT ?? 4567), "127.0.0.1", () =>
	console.log(`http://127.0.0.1:${server.address().port}`),
);
