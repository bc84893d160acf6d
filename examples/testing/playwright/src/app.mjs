// The program under test: a page that calls the API.
import { createServer } from "node:http";

const api = process.env.API_URL ?? "http://127.0.0.1:4567";

const page = `<!doctype html>
<title>Shop</title>
<button id="user">Sign up</button>
<button id="order">Order</button>
<output></output>
<script>
	const output = document.querySelector("output");
	user.onclick = async () => {
		const body = JSON.stringify({ id: "1", name: "Ann", requestedAt: Date.now() });
		const headers = { "content-type": "application/json" };
		const response = await fetch("${api}/users", { method: "POST", headers, body });
		output.textContent = "Hello " + (await response.json()).name;
	};
	order.onclick = async () => {
		const response = await fetch("${api}/orders");
		output.textContent = "Order " + (await response.json()).number;
	};
</script>
`;

createServer((_request, response) => response.setHeader("content-type", "text/html").end(page)).listen(
	Number(process.env.APP_PORT ?? 4568),
	"127.0.0.1",
);
