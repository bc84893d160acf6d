// A site with a login: every later request has to have the token, in a header, a cookie, a query, a body or a WebSocket
// message. It speaks HTTP/1.1, and HTTP/2 over TLS. Run with its secrets and certificate as JSON on stdin; prints its ports as
// JSON.
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { text } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { WebSocketServer } from "ws";

const JSON_TYPE = { "content-type": "application/json" };

/** The page for browsers: makes all requests, and sends the result to the URL in its fragment. */
const PAGE = `<!doctype html><title>shop</title><script type="module">
const { password, key, report } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const type = { "content-type": "application/json" };
const post = (path, body, headers = {}) => fetch(path, { method: "POST", body, headers });
const steps = [];
try {
	const login = await post("/login", JSON.stringify({ user: "ann", password }), type);
	const { access_token: token } = await login.json();
	const form = new FormData();
	form.set("password", password);
	form.set("file", new Blob(["\\u0000\\u0001binary"], { type: "image/png" }), "a.png");
	const packed = new Response(new Blob([JSON.stringify({ api_key: key })]).stream().pipeThrough(new CompressionStream("gzip")));
	const answers = [
		login,
		await fetch("/me", { headers: { authorization: "Bearer " + token } }),
		await fetch("/items?" + new URLSearchParams({ access_token: token })),
		await post("/json", JSON.stringify({ auth: { session_token: token } }), type),
		await fetch("/go"),
		await post("/upload", form),
		await post("/gzip", await packed.blob(), { "content-encoding": "gzip", ...type }),
	];
	steps.push(...answers.map(({ status }) => status));
	const socket = new WebSocket(location.origin.replace("http", "ws") + "/socket");
	const said = new Promise((resolve, reject) => {
		socket.onmessage = ({ data }) => resolve(JSON.parse(data).ok);
		socket.onclose = reject;
	});
	socket.onopen = () => socket.send(JSON.stringify({ token }));
	steps.push(await said);
	socket.close();
} catch (error) {
	steps.push(String(error));
}
await fetch(report, { method: "POST", mode: "no-cors", body: steps.join(" ") });
</script>`;

/** Starts the site on free ports. `secrets`: password, token, session, key. Returns its ports and `stop`. */
export async function startSite({ certificate, secrets }) {
	const { password, token, session, key } = secrets;
	const isTold = (told) => told === token;
	/** Answers a request; the result is the status, the header and the body. */
	const answers = {
		"GET /": () => [200, { "content-type": "text/html" }, PAGE],
		"POST /login": (_url, _headers, body) =>
			JSON.parse(body).password === password && [
				200,
				{ ...JSON_TYPE, "content-encoding": "gzip", "set-cookie": `sid=${session}; Path=/; HttpOnly` },
				gzipSync(JSON.stringify({ access_token: token, token_type: "bearer", expires_in: 3600 })),
			],
		"GET /me": (_url, { authorization, cookie = "" }) =>
			authorization === `Bearer ${token}` &&
			cookie.includes(`sid=${session}`) && [200, JSON_TYPE, JSON.stringify({ name: "Ann", session })],
		"GET /items": (url) =>
			isTold(url.searchParams.get("access_token")) && [
				200,
				JSON_TYPE,
				JSON.stringify({ next: `/items?page=2&access_token=${encodeURIComponent(token)}` }),
			],
		"POST /json": (_url, _headers, body) =>
			isTold(JSON.parse(body).auth.session_token) && [
				200,
				JSON_TYPE,
				JSON.stringify({ basic: btoa(`ann:${password}`) }),
			],
		"GET /go": () => [302, { location: `/landing?access_token=${encodeURIComponent(token)}` }, ""],
		"GET /landing": (url) =>
			isTold(url.searchParams.get("access_token")) && [200, { "content-type": "text/plain" }, `token: ${token}`],
		"POST /upload": (_url, _headers, body) => body.includes(password) && [200, JSON_TYPE, '{"stored":true}'],
		"POST /gzip": (_url, _headers, body) => JSON.parse(body).api_key === key && [200, JSON_TYPE, '{"stored":true}'],
	};
	const handle = async (request, response) => {
		const url = new URL(request.url, "http://site.test");
		const raw = Buffer.from(await text(request.setEncoding("latin1")), "latin1");
		const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
		const answer = answers[`${request.method} ${url.pathname}`];
		const [status, headers, content] = answer?.(url, request.headers, body.toString()) || [
			answer === undefined ? 404 : 401,
			{},
			"",
		];
		response.writeHead(status, headers);
		response.end(content);
	};
	const upgrader = new WebSocketServer({ noServer: true });
	const upgrade = (request, socket, head) =>
		upgrader.handleUpgrade(request, socket, head, (open) => {
			open.on("message", (data) =>
				open.send(JSON.stringify({ ok: isTold(JSON.parse(data).token), session_token: token, seen: String(data) })),
			);
		});
	const plain = createServer(handle).on("upgrade", upgrade);
	const secure = createSecureServer({ ...certificate, allowHTTP1: true }, handle).on("upgrade", upgrade);
	const sessions = new Set();
	secure.on("session", (opened) => sessions.add(opened));
	const portOf = (server) =>
		new Promise((resolve) => server.listen(0, "localhost", () => resolve(server.address().port)));
	return {
		plain: await portOf(plain),
		secure: await portOf(secure),
		stop() {
			for (const server of [plain, secure]) server.close();
			plain.closeAllConnections();
			for (const opened of sessions) opened.destroy();
			for (const open of upgrader.clients) open.terminate();
		},
	};
}

if (process.argv[1] === import.meta.filename) {
	const { stop, ...ports } = await startSite(JSON.parse(await text(process.stdin)));
	console.log(JSON.stringify(ports));
	process.once("SIGTERM", () => {
		stop();
		process.exit(0);
	});
}
