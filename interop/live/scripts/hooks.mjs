// Hooks of every kind; hooks.py has the same hooks for mitmproxy.
import { ResponseView } from "../../../dist/index.js";

const order = [];

function output(name, flow) {
	if (flow.request.path.startsWith("/order")) order.push(name);
}

const replaced = (bytes, from, to) => Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1");

export function requestheaders(flow) {
	output("requestheaders", flow);
	if (flow.request.path === "/early") flow.response = ResponseView.make(201, "early", { "X-Made": "early" });
	if (flow.request.path === "/stream-request")
		flow.request.stream = (chunk) => Buffer.from(chunk.toString("latin1").toUpperCase(), "latin1");
}

const requests = {
	"/made": (flow) => {
		flow.response = ResponseView.make(418, "made é", { "X-Made": "yes", "Content-Type": "text/plain; charset=utf-8" });
	},
	"/empty": (flow) => {
		flow.response = ResponseView.make();
	},
	"/kill": (flow) => flow.kill(),
	"/host": ({ request }) => {
		request.host = "127.0.0.1";
	},
	"/path": ({ request }) => {
		request.path = "/other?x=1";
	},
	"/method": ({ request }) => {
		request.method = "PUT";
	},
	"/text": ({ request }) => {
		request.text = request.text.replaceAll("a", "bb");
	},
	"/content": ({ request }) => {
		request.content = Buffer.from([0, 255]);
	},
	"/query": ({ request }) => {
		const { query } = request;
		query.set("added", "1 2");
		query.delete("gone");
		request.query = query;
	},
	"/cookies": ({ request }) => {
		request.cookies = new Map([...request.cookies, ["b", "2"]]);
	},
	"/form": ({ request }) => {
		request.urlencoded_form = { ...Object.fromEntries(request.form), b: "x y" };
	},
	"/fields": ({ request: { headers } }) => {
		headers.set("X-New", "1");
		headers.set("x-old", "new");
		headers.add("X-Old", "second");
		headers.delete("X-Gone");
		headers.set_all("X-All", ["1", "2"]);
	},
	"/throws": () => {
		throw new Error("on purpose");
	},
};

export function request(flow) {
	output("request", flow);
	const { path } = flow.request;
	requests[path.startsWith("/query") ? "/query" : path]?.(flow);
}

export function responseheaders({ request: { path }, response }) {
	output("responseheaders", { request: { path } });
	if (path === "/stream") response.stream = true;
	if (path === "/transform") response.stream = (chunk) => replaced(chunk, "l", "L");
	if (path === "/head-only") response.headers.set("X-Head", "1");
}

const responses = {
	"/order": ({ response }) => {
		response.text = order.splice(0).join(" ");
	},
	"/status": ({ response }) => {
		response.status_code = 299;
		response.reason = "Changed Indeed";
	},
	"/response-text": ({ response }) => {
		response.text = `${response.text} été`;
	},
	"/response-kill": (flow) => flow.kill(),
	"/response-fields": ({ response: { headers } }) => {
		headers.set("Set-Cookie", "only=1");
		headers.add("X-A", "1");
	},
	"/decode": ({ response }) => response.decode(),
	"/replace": (flow) => {
		flow.response = ResponseView.make(200, "replaced", { "X-R": "1" });
	},
};

export function response(flow) {
	output("response", flow);
	responses[flow.request.path]?.(flow);
}

export function error(flow) {
	output("error", flow);
}

export function websocket_message({ websocket }) {
	const message = websocket.messages.at(-1);
	if (message.text === "drop") message.drop();
	else
		message.content = message.from_client
			? replaced(message.content, "a", "A")
			: Buffer.concat([message.content, Buffer.from("!")]);
}
