// A minimal reverse proxy on node:http2. Arguments: port, port of the origin, file with key and certificate.
import { readFileSync } from "node:fs";
import http2 from "node:http2";

const [port, origin, pem] = process.argv.slice(2);
const both = readFileSync(pem);
const upstream = http2.connect(`https://127.0.0.1:${origin}`, { rejectUnauthorized: false });
http2
	.createSecureServer({ key: both, cert: both })
	.on("stream", (stream, headers) => {
		const asked = upstream.request(headers);
		asked.on("response", (answer) => {
			if (stream.destroyed) return asked.close();
			stream.respond(answer);
			asked.pipe(stream);
		});
		asked.on("error", () => stream.destroy());
		stream.on("error", () => {});
		stream.pipe(asked);
	})
	.listen(Number(port), "127.0.0.1");
