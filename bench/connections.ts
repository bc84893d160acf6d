// New TLS connections through a proxy by CONNECT, each with a full handshake and one request.
import { connect } from "node:net";
import { createSecureContext, connect as secure } from "node:tls";
import { CONNECTIONS, type Loaded } from "./load.ts";

/** A shared context. Without it, every connection would load Node's root certificates again. */
const secureContext = createSecureContext({ ca: [] });

/** Opens connections for `seconds`, 32 at a time. `nameOf` returns the SNI of the next connection. */
export async function connectAnew(
	proxyPort: number,
	originPort: number,
	seconds: number,
	nameOf: () => string,
): Promise<Loaded> {
	const begin = performance.now();
	let [requests, bad] = [0, 0];
	const connecting = async () => {
		while (performance.now() - begin < seconds * 1000) {
			if (await isAnswered(proxyPort, `127.0.0.1:${originPort}`, nameOf())) requests++;
			else bad++;
		}
	};
	await Promise.all(Array.from({ length: CONNECTIONS }, connecting));
	return { requests, rate: requests / ((performance.now() - begin) / 1000), bad };
}

function isAnswered(proxyPort: number, authority: string, servername: string): Promise<boolean> {
	return new Promise((resolve) => {
		let answer = "";
		const fail = () => resolve(false);
		const socket = connect(proxyPort, "127.0.0.1", () =>
			socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`),
		);
		socket.on("error", fail).once("close", fail);
		socket.once("data", () => {
			socket.removeListener("close", fail);
			const secured = secure({ socket, servername, secureContext, rejectUnauthorized: false }, () =>
				secured.write(`GET /1k.txt HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`),
			);
			secured
				.on("error", fail)
				.on("data", (chunk) => {
					answer += chunk.toString("latin1");
				})
				.on("close", () => resolve(answer.startsWith("HTTP/1.1 200 ") && answer.length > 1024));
		});
	});
}
