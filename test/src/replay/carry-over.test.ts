import t from "tap";
import { httpFlow, httpRequest } from "../../../fixtures/build-flow.ts";
import { CarryOver } from "../../../src/replay/carry-over.ts";

const answer = (headers: [string, string][], body = "") => httpFlow({ response: { headers, body } });

t.test("cookies that a server gave anew replace those of the recording", async (t) => {
	const carry = new CarryOver(false);
	carry.learn(
		answer([
			["Set-Cookie", "sid=old1; Path=/"],
			["Set-Cookie", "theme=dark"],
		]),
		answer([
			["Set-Cookie", "sid=new1"],
			["Set-Cookie", "theme=dark"],
			["Set-Cookie", "more=x"],
		]),
	);
	const request = httpRequest({
		headers: [
			["Cookie", "a=1; sid=old1; theme=dark"],
			["X-Old", "old1"],
		],
	});
	carry.apply(request);
	t.same(
		[...request.headers],
		[
			["Cookie", "a=1; sid=new1; theme=dark"],
			["X-Old", "old1"],
		],
	);
	const other = httpRequest({ headers: [["Cookie", "sid=another"]] });
	carry.apply(other);
	t.equal(other.headers.get("cookie"), "sid=another", "a value that the server did not give stays");
});

t.test("on demand, values of headers and JSON too: in URLs, headers and bodies", async (t) => {
	const json: [string, string] = ["Content-Type", "application/json"];
	const carry = new CarryOver(true);
	carry.learn(
		answer([json, ["X-Token", "token-old"], ["Date", "Mon, 01 Jan 2024 00:00:00 GMT"]], '{"id": "id/old&1", "n": 1, "list": [{"csrf": "csrf-old"}]}'),
		answer([json, ["X-Token", "token-new"], ["Date", "Tue, 02 Jan 2024 00:00:00 GMT"]], '{"id": "id/new&1", "n": 2, "list": [{"csrf": "csrf-new"}]}'),
	);
	const request = httpRequest({
		method: "POST",
		path: "/items/id%2Fold%261?n=1",
		headers: [
			["Authorization", "Bearer token-old"],
			["If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"],
			["Content-Length", "15"],
		],
		body: "csrf=csrf-old&n",
	});
	carry.apply(request);
	t.equal(request.path, "/items/id%2Fnew%261?n=1", "short values are left alone");
	t.equal(request.headers.get("authorization"), "Bearer token-new");
	t.equal(request.headers.get("if-modified-since"), "Mon, 01 Jan 2024 00:00:00 GMT");
	t.equal(request.text, "csrf=csrf-new&n");
});

t.test("what cannot be compared teaches nothing", async (t) => {
	const carry = new CarryOver(true);
	carry.learn(httpFlow({ response: null }), answer([]));
	carry.learn(answer([["Content-Type", "application/json"]], "{broken"), answer([["Content-Type", "application/json"]], '{"a": "anything"}'));
	const request = httpRequest({ body: "anything" });
	carry.apply(request);
	t.equal(request.text, "anything");
});
