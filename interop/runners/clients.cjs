// Clients for a suite of any test runner, by name: each requests a URL, and resolves to the body. The packages are those
// of interop/route.mjs, in the project's node_modules. Jest loads no ES modules here, so it has fewer.
const http = require("node:http");
const { text } = require("node:stream/consumers");

const [major, minor] = process.versions.node.split(".").map(Number);
const isJest = process.env.JEST_WORKER_ID !== undefined;
const undicis = ["undici6", "undici7", ...(major > 22 || (major === 22 && minor >= 19) ? ["undici8"] : [])];

function viaNode(url, options) {
	return new Promise((resolve, reject) => {
		http.get(url, options, (response) => text(response).then(resolve, reject)).on("error", reject);
	});
}

const axios = require("axios");
const fetch2 = require("node-fetch2");
const superagent = require("superagent");
const supertest = require("supertest");

module.exports = [
	["fetch", async (url) => (await fetch(url)).text()],
	["node:http", (url) => viaNode(url, {})],
	["node:http with an agent", (url) => viaNode(url, { agent: new http.Agent({ keepAlive: true }) })],
	...undicis.flatMap((name) => {
		const { Pool, fetch: fetchOf, request } = require(name);
		return [
			[`${name} fetch`, async (url) => (await fetchOf(url)).text()],
			[`${name} request`, async (url) => (await request(url)).body.text()],
			[
				`${name} Pool`,
				async (url) => {
					const { origin, pathname, search } = new URL(url);
					return (await new Pool(origin).request({ path: pathname + search, method: "GET" })).body.text();
				},
			],
		];
	}),
	["axios", async (url) => JSON.stringify((await axios.get(url)).data)],
	["node-fetch 2", async (url) => (await fetch2(url)).text()],
	["superagent", async (url) => (await superagent.get(url)).text],
	[
		"supertest",
		async (url) => {
			const { origin, pathname, search } = new URL(url);
			return (await supertest(origin).get(pathname + search)).text;
		},
	],
	...(isJest
		? []
		: [
				["got", async (url) => (await import("got")).got(url).text()],
				["ky", async (url) => (await import("ky")).default(url).text()],
				["node-fetch 3", async (url) => (await (await import("node-fetch3")).default(url)).text()],
			]),
];
