// A WebSocket session through a proxy: talk.mjs BASE PROXY TOKEN CA-FILE; prints whether the site accepted the token.
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:tls";
import { WebSocket } from "ws";

const [base, proxy, token, ca] = process.argv.slice(2);
const { host, hostname, protocol } = new URL(base);
request({ host: new URL(proxy).hostname, port: new URL(proxy).port, method: "CONNECT", path: host, headers: { host } })
	.on("connect", (_answer, tunnel) => {
		const socket =
			protocol === "https:" ? connect({ socket: tunnel, servername: hostname, ca: readFileSync(ca) }) : tunnel;
		const client = new WebSocket(`${base.replace("http", "ws")}/socket`, { createConnection: () => socket });
		client.on("open", () => client.send(JSON.stringify({ token })));
		client.on("message", (data) => {
			console.log(JSON.parse(data).ok);
			client.close();
		});
	})
	.end();
