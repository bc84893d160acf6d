// The log of a live proxy: a line for each flow, limited on a terminal.
import t from "tap";
import { FlowLog } from "../../../commands/print/flow-log.ts";
import { plain } from "../../../commands/print/text.ts";
import { httpFlow, httpResponse } from "../../../fixtures/build-flow.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { Watch } from "../../../fixtures/watch.ts";

const noon = new Date(2024, 5, 1, 12, 3, 4, 5).getTime();

function logOn({ isTTY }: { isTTY: boolean }) {
	const clock = { now: noon };
	const watch = new Watch();
	const { io, captured } = captureIo({ isTTY, onOutput: () => watch.check() });
	return { log: new FlowLog(io.stderr, plain, () => clock.now), captured, clock, watch };
}

t.test("the time, then the line of filter without the id", async (t) => {
	const { log, captured, clock } = logOn({ isTTY: true });
	log.flow(httpFlow({ id: "a" }));
	clock.now += 61_010;
	log.miss("b");
	log.flow(httpFlow({ id: "b", isReplay: "response", response: { statusCode: 404, body: "why" } }));
	log.flow(httpFlow({ id: "b", response: null, error: { message: "refused", timestamp: 1 } }));
	const response = httpResponse({ headers: [["content-type", "text/html"]], body: "page" });
	const cached = { current: () => ({ response, until: 0 }) } as never;
	log.cached({ method: "GET", url: "http://a/", response: cached });
	log.end();
	t.equal(
		captured.err,
		`12:03:04.005 GET http://example.com/ 200 text/plain 5b 300ms
12:04:05.015 ↻ GET http://example.com/ 404 text/plain 3b 300ms missed
12:04:05.015 GET http://example.com/ refused
12:04:05.015 ↻ GET http://a/ 200 text/html 4b 0ms
`,
	);
});

t.test("on a terminal, at most 50 lines a second, then the number of the others", async (t) => {
	const { log, captured, clock } = logOn({ isTTY: true });
	const linesOf = () => captured.err.split("\n").slice(0, -1);
	for (let i = 0; i < 60; i++) log.flow(httpFlow());
	t.equal(linesOf().length, 50);
	clock.now += 1000;
	for (let i = 0; i < 60; i++) log.flow(httpFlow());
	t.equal(linesOf().length, 101);
	t.equal(linesOf()[50], "… and 10 more");
	log.end();
	log.end();
	t.equal(linesOf()[101], "… and 10 more");
	t.equal(linesOf().length, 102);
});

t.test("the number is printed within a second, even if no further flow ends", async (t) => {
	const { log, captured, watch } = logOn({ isTTY: true });
	const alive = setInterval(() => {}, 1000);
	t.teardown(() => clearInterval(alive));
	for (let i = 0; i < 51; i++) log.flow(httpFlow());
	await watch.until(
		() => /\n… and 1 more\n$/.test(captured.err) || undefined,
		() => captured.err,
	);
});

t.test("a new second begins if the clock is set back", async (t) => {
	const { log, captured, clock } = logOn({ isTTY: true });
	for (let i = 0; i < 50; i++) log.flow(httpFlow());
	clock.now -= 3_600_000;
	log.flow(httpFlow());
	t.equal(captured.err.split("\n").length, 52);
});

t.test("no limit without a terminal", async (t) => {
	const { log, captured } = logOn({ isTTY: false });
	for (let i = 0; i < 200; i++) log.flow(httpFlow());
	log.end();
	t.equal(captured.err.split("\n").length, 201);
});
