// The events of a run, and its report.
import t from "tap";
import { leftOutText, RunEvents } from "../../api/run-events.ts";

t.test("a field that was left out", async (t) => {
	const event = { kind: "left_out", field: "Keep-Alive", url: "https://a.example/" } as const;
	t.match(
		leftOutText({ ...event, of: "request" }),
		/"Keep-Alive" of the request for https:\/\/a\.example\/ was left out/,
	);
	t.match(leftOutText({ ...event, of: "response" }), /of the response of/);
});

t.test("damage is thrown until the run has started, and emitted from then on", async (t) => {
	const events = new RunEvents({});
	t.throws(() => events.listeners.report("FT_CORRUPT_FLOW", "damaged"), { code: "FT_CORRUPT_FLOW" });
	events.isStarted = true;
	const heard: unknown[] = [];
	events.emitter.on("error", (error) => heard.push(error));
	events.listeners.report("FT_CORRUPT_FLOW", "damaged");
	t.match(heard, [{ code: "FT_CORRUPT_FLOW" }]);
	t.match(events.reportOf({ recorded: 1, lost: 2, replay: null, egress: new Map(), own: 3, noise: 0 }), {
		recorded: 1,
		lost: 2,
		served: 0,
		own: 3,
		errors: heard,
	});
});
