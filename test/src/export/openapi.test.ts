// An OpenAPI document of flows.
import t from "tap";
import { httpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { large } from "../../../fixtures/large.ts";
import { OpenApiDocument } from "../../../src/export/openapi.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

const json = [["Content-Type", "application/json; charset=utf-8"]] as const;

function documentOf(...flows: HttpFlow[]) {
	const document = new OpenApiDocument();
	for (const flow of flows) document.add(flow);
	return JSON.parse(document.text());
}

t.test("paths with parameters, methods, query, bodies and statuses", async (t) => {
	const get = (id: string, query: string, body: string, statusCode = 200) =>
		httpFlow({ request: { path: `/users/${id}/orders${query}` }, response: { statusCode, headers: json, body } });
	const document = documentOf(
		get("1", "?page=1&sort=up", '{"items":[{"id":1,"price":1.5}],"next":null}'),
		get("22", "?page=2", '{"items":[{"id":2,"price":2}],"next":7,"more":true}'),
		get("3", "?page=x", '{"error":"s3cret"}', 404),
		httpFlow({
			request: { method: "POST", path: "/users/3/orders", headers: json, body: '{"count":1}' },
			response: null,
		}),
		httpFlow({ request: { path: "/logo" }, response: { headers: [["Content-Type", "image/png"]], body: "x" } }),
	);
	t.match(document, { openapi: "3.1.0", servers: [{ url: "http://example.com" }] });
	t.same(Object.keys(document.paths), ["/logo", "/users/{id}/orders"]);
	const path = document.paths["/users/{id}/orders"];
	t.same(path.get.parameters, [
		{ name: "id", in: "path", required: true, schema: { type: "integer" } },
		{ name: "page", in: "query", required: true, schema: { type: ["integer", "string"] } },
		{ name: "sort", in: "query", schema: { type: "string" } },
	]);
	t.same(path.get.responses["200"], {
		description: "OK",
		content: {
			"application/json": {
				schema: {
					type: "object",
					properties: {
						items: {
							type: "array",
							items: {
								type: "object",
								properties: { id: { type: "integer" }, price: { type: "number" } },
								required: ["id", "price"],
							},
						},
						more: { type: "boolean" },
						next: { type: ["integer", "null"] },
					},
					required: ["items", "next"],
				},
			},
		},
	});
	t.same(Object.keys(path.get.responses), ["200", "404"]);
	t.same(path.post.requestBody, {
		content: {
			"application/json": {
				schema: { type: "object", properties: { count: { type: "integer" } }, required: ["count"] },
			},
		},
	});
	t.same(path.post.responses, { default: { description: "No response was recorded" } });
	t.same(document.paths["/logo"].get.responses["200"].content, { "image/png": {} });
});

t.test("ids in paths become parameters with unique names", async (t) => {
	const document = documentOf(
		httpFlow({ request: { path: "/a/1/b/2/0b6e2a7c-8f8e-4d5c-9a3f-1c2d3e4f5a6b/deadbeefdeadbeef0/{x}?e=1&e=2" } }),
	);
	const [path = ""] = Object.keys(document.paths);
	t.equal(path, "/a/{id}/b/{id2}/{uuid}/{key}/%7Bx%7D");
	t.same(
		document.paths[path].get.parameters.map(({ name }: { name: string }) => name),
		["id", "id2", "uuid", "key", "e"],
	);
	t.same(document.paths[path].get.parameters.at(-1).schema, { type: "array", items: { type: "integer" } });
});

t.test("the document contains no recorded value", async (t) => {
	const text = JSON.stringify(
		documentOf(
			httpFlow({
				request: {
					method: "POST",
					path: "/login/123456789/s3cret.aaaaaaaaaaaaaaaaaa?token=s3cret-query",
					headers: [...json, ["Authorization", "Bearer s3cret-header"], ["Cookie", "sid=s3cret-cookie"]],
					body: '{"password":"s3cret-body","list":["s3cret-item"]}',
				},
				response: {
					headers: [...json, ["Set-Cookie", "sid=s3cret-set"]],
					body: '{"token":"s3cret-answer","n":123456789,"byId":{"123456789":1}}',
				},
			}),
		),
	);
	t.notMatch(text, /s3cret|123456789/);
});

t.test("any names and texts", async (t) => {
	const document = documentOf(
		httpFlow({ response: { headers: json, body: '{"__proto__":{"x":1},"constructor":2}' } }),
		httpFlow({ request: { path: "/broken" }, response: { headers: json, body: "{" } }),
		httpFlow({
			request: { path: "/map" },
			response: {
				headers: json,
				body: JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))),
			},
		}),
	);
	const { properties } = document.paths["/"].get.responses["200"].content["application/json"].schema;
	t.same(Object.keys(properties).sort(), ["__proto__", "constructor"]);
	t.same(document.paths["/broken"].get.responses["200"].content, { "application/json": { schema: {} } });
	t.same(document.paths["/map"].get.responses["200"].content["application/json"].schema, {
		type: "object",
		additionalProperties: true,
	});
	t.same(documentOf().paths, {});
});

t.test("flows that OpenAPI cannot describe", async (t) => {
	const document = new OpenApiDocument();
	for (const request of [{ method: "PURGE" }, { scheme: "ftp" }, { method: "OPTIONS", path: "*" }])
		t.throws(() => document.add(httpFlow({ request })), { code: "FT_LOSS" });
	const notes: string[] = [];
	document.add(websocketFlow(), (note) => notes.push(note));
	t.match(notes, [/WebSocket/]);
});

t.test(
	"the number of properties in the document is limited, so that small tapes do not fill the memory",
	large,
	async (t) => {
		const body = (n: number) =>
			JSON.stringify(Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`a${n}_${i}`, { x: { y: { z: 1 } } }])));
		const of = (n: number) => httpFlow({ request: { path: `/p${n}` }, response: { headers: json, body: body(n) } });
		const document = documentOf(...Array.from({ length: 300 }, (_, n) => of(n)));
		const schema = (n: number) => document.paths[`/p${n}`].get.responses["200"].content["application/json"].schema;
		t.equal(Object.keys(schema(0).properties).length, 90);
		t.same(schema(299), { type: "object", additionalProperties: true });
	},
);
