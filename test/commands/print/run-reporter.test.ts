// The output of a proxy while it runs: text on stderr, or JSON lines on stdout.
import t from "tap";
import { RunReporter, type RunReporterOptions } from "../../../commands/print/run-reporter.ts";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { FlowtapeError } from "../../../src/errors.ts";

const listening = { kind: "listening", host: "::1", port: 8080, mode: "regular" } as const;
const miss = {
	id: "m",
	nearest: null,
	method: "GET",
	url: "http://a/",
	session: null,
	policy: "404",
	explanation: "no recording of GET http://a/\n",
};

/** A reporter, and a function that returns its output since the last call. */
function journalOf(options: Partial<RunReporterOptions> = {}) {
	const { io, captured } = captureIo();
	const journal = new RunReporter(io, {
		json: false,
		quiet: false,
		verbose: false,
		color: true,
		isAddressWanted: true,
		...options,
	});
	const said = () => {
		const { out, err } = captured;
		captured.out = "";
		captured.err = "";
		return { out, err };
	};
	return { journal, said };
}

/** Calls each method once. */
function happen(journal: RunReporter): void {
	journal.trouble("FT_LOSS", "something lost");
	journal.event(listening);
	journal.event({ kind: "flow", flow: httpFlow({ id: "abc" }) });
	journal.event({ kind: "client_error", message: "it sent nonsense", client: "127.0.0.1:1" });
	journal.event({ kind: "upstream_error", message: "it is down", destination: "a:80" });
	journal.event({ kind: "hook_error", phase: "request", error: new Error("script: x") });
	journal.log("info", "good to know");
	journal.log("warning", "bad to know");
	journal.miss(miss);
	const egress = new Map([
		["a:80", 1],
		["b:443", 2],
	]);
	journal.end(
		{ recorded: 1, lost: 0, replay: { served: 3, missed: 1, unused: 2 }, egress, own: 0, noise: 0 },
		"x.tape",
	);
}

t.test("text", async (t) => {
	const { journal, said } = journalOf();
	happen(journal);
	t.same(said(), {
		out: "",
		err: `flowtape: something lost
listening on http://[::1]:8080
flowtape: it sent nonsense
flowtape: it is down
flowtape: script: x
flowtape: bad to know
no recording of GET http://a/
egress to a:80
egress to b:443, 2 times
served 3, missed 1, unused 2, egress 3, recorded 1 flow to x.tape
`,
	});
	t.equal(journal.status, 0);
});

t.test("more with --verbose, only problems with --quiet", async (t) => {
	const loud = journalOf({ verbose: true });
	happen(loud.journal);
	t.match(
		loud.said().err,
		/\n\d\d:\d\d:\d\d\.\d\d\d GET http:\/\/example.com\/ 200 text\/plain 5b 300ms\n[\s\S]*\nflowtape: good to know\n/,
	);
	const calm = journalOf({ quiet: true });
	happen(calm.journal);
	t.equal(calm.said().err, "flowtape: something lost\nlistening on http://[::1]:8080\n");
	const silent = journalOf({ quiet: true, isAddressWanted: false });
	silent.journal.event(listening);
	t.equal(silent.said().err, "");
});

t.test("JSON: the first line on stdout has the address", async (t) => {
	const { journal, said } = journalOf({ json: true, verbose: true });
	happen(journal);
	const { out, err } = said();
	t.equal(err, "flowtape: something lost\n");
	t.same(
		out
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line)),
		[
			{ event: "listening", host: "::1", port: 8080 },
			{ event: "flow", id: "abc", type: "http", method: "GET", url: "http://example.com/", status: 200 },
			{ event: "client_error", message: "it sent nonsense", client: "127.0.0.1:1" },
			{ event: "upstream_error", message: "it is down", destination: "a:80" },
			{ event: "hook_error", phase: "request", message: "script: x" },
			{ event: "info", message: "good to know" },
			{ event: "warning", message: "bad to know" },
			{ event: "miss", ...miss },
			{
				event: "end",
				recorded: 1,
				lost: 0,
				served: 3,
				missed: 1,
				unused: 2,
				egress: 3,
				destinations: { "a:80": 1, "b:443": 2 },
				own: 0,
				noise: 0,
			},
		],
	);
});

t.test("flows of every type in JSON", async (t) => {
	const { journal, said } = journalOf({ json: true });
	journal.event(listening);
	journal.event({ kind: "flow", flow: tcpFlow({ id: "t" }) });
	journal.event({
		kind: "flow",
		flow: httpFlow({ id: "e", response: null, error: { message: "refused", timestamp: 1 } }),
	});
	const lines = said().out.trimEnd().split("\n");
	t.same(JSON.parse(lines[1] ?? ""), { event: "flow", id: "t", type: "tcp" });
	t.match(JSON.parse(lines[2] ?? ""), { status: null, error: "refused" });
});

t.test(
	"flows that cannot be written: the first problem and the final number are reported, and the status is not 0",
	async (t) => {
		const { journal, said } = journalOf({ quiet: true });
		journal.event({ kind: "sink_error", error: new FlowtapeError("FT_IO", "x.tape: the disk is full") });
		journal.event({ kind: "sink_error", error: new FlowtapeError("FT_IO", "x.tape: the disk is full") });
		t.equal(said().err, "flowtape: x.tape: the disk is full; the traffic continues, but it is not recorded\n");
		t.equal(journal.status, 4);
		journal.end({ recorded: 5, lost: 2, replay: null, egress: new Map(), own: 0, noise: 0 }, "x.tape");
		t.equal(said().err, "flowtape: 2 flows could not be recorded and are lost\n");
		const json = journalOf({ json: true });
		json.journal.event(listening);
		json.journal.event({ kind: "sink_error", error: "odd" });
		json.journal.end({ recorded: 4, lost: 1, replay: null, egress: new Map(), own: 0, noise: 0 }, "x.tape");
		t.match(
			json.said().out,
			/"event":"error","message":"odd; the traffic continues, but it is not recorded"[\s\S]*"event":"end","recorded":4,"lost":1/,
		);
		t.equal(json.journal.status, 4);
	},
);

t.test("damage in a tape determines the status", async (t) => {
	const { journal } = journalOf();
	journal.trouble("FT_LOSS", "lost");
	t.equal(journal.status, 0);
	journal.trouble("FT_CORRUPT_FLOW", "damaged");
	journal.trouble("FT_IO", "worse");
	t.equal(journal.status, 3);
});

t.test("messages from the network are printed on one line", async (t) => {
	const { journal, said } = journalOf();
	journal.event({ kind: "client_error", message: "a\n\u001b[2Jb", client: "x" });
	t.equal(said().err, "flowtape: a ␛[2Jb\n");
});

t.test("unusual modes, and an ephemeral authority", async (t) => {
	const { journal, said } = journalOf();
	journal.event({ ...listening, mode: "reverse:http://a" });
	journal.authority("/tmp/ca.pem");
	t.equal(
		said().err,
		"listening on http://[::1]:8080 (reverse:http://a)\nthe certificate to trust is in /tmp/ca.pem\n",
	);
	const json = journalOf({ json: true });
	json.journal.authority("/tmp/ca.pem");
	t.strictSame(JSON.parse(json.said().out), { event: "authority", file: "/tmp/ca.pem" });
});

t.test("an omitted field is reported once, even if its recording is used repeatedly", async (t) => {
	const { journal, said } = journalOf();
	const event = { kind: "left_out", field: "bad\u001b name", of: "response", url: "https://a.example/" } as const;
	for (let i = 0; i < 3; i++) journal.event(event);
	journal.event({ ...event, of: "request" });
	const lines = ["response of", "request for"].map(
		(of) =>
			`flowtape: the field "bad\\u001b name" of the ${of} https://a.example/ was left out: HTTP/2 does not allow it\n`,
	);
	t.equal(said().err, lines.join(""));
});
