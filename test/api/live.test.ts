// Records to a tape with a live proxy, then answers from it without a network.
import { join } from "node:path";
import t from "tap";
import { startTestLive } from "../../fixtures/live-proxy.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { askThrough } from "../../fixtures/plain-site.ts";

t.test("answers from recordings", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("\r\n\r\n");
		client.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	});
	const output = join(t.testdir(), "session.tape");
	const url = `http://127.0.0.1:${origin.port}/a`;
	const recorder = await startTestLive(t, { output });
	t.match(await askThrough(recorder, url), { status: 200, body: "hello" });
	t.match(await recorder.close(), {
		recorded: 1,
		lost: 0,
		replay: null,
		egress: new Map([[`127.0.0.1:${origin.port}`, 1]]),
	});
	const player = await startTestLive(t, { recordings: [output] });
	t.match(await askThrough(player, url), { status: 200, body: "hello" });
	const report = await player.close();
	t.equal(report.egress.size, 0, "nothing left the machine");
	t.equal(report.recorded, 0);
});
