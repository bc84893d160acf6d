// A miss as text and as data.
import t from "tap";
import { differenceText, missData, missText } from "../../../../src/replay/explain/miss-text.ts";
import type { NearMiss } from "../../../../src/replay/explain/near-miss.ts";

const missed = { method: "GET", url: "http://a.test/p?t=2" };
const near: NearMiss = {
	id: "3f2a1b2c-0000",
	method: "GET",
	url: "http://a.test/p?t=1",
	status: 200,
	kept: true,
	damaged: false,
	uses: 0,
	distance: 2,
	differences: [
		{ part: "query", name: "t", recorded: "1", sent: "2", option: { name: "server_replay_ignore_params", value: "t" } },
	],
	options: [{ name: "server_replay_ignore_params", value: "t" }],
};
const hopeless: NearMiss = {
	...near,
	differences: [{ part: "method", recorded: "PUT", sent: "GET", option: null }],
	options: null,
	distance: 8,
};

t.test("it is safe to print, for any request and recordings", async (t) => {
	const odd = "\u001b[2J\u009b2J\u202e\n\r\t";
	const text = missText({ method: `G${odd}`, url: `http://a.test/${odd}` }, [
		{
			...near,
			method: odd,
			url: `http://a.test/?${odd}`,
			id: odd,
			differences: [{ part: "header", name: odd, recorded: odd, sent: odd, option: null }],
			options: [{ name: "server_replay_ignore_params", value: odd }],
		},
	]);
	t.notMatch(text, /(?!\n)\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
	t.equal(text.split("\n").length, 6, "no line is forged");
	t.match(text, /^No recording answers G␛\[2J�2J�/);
	t.match(
		missText({ method: "GET", url: "http://bücher.test/é日本🍇" }, []),
		"http://bücher.test/é日本🍇\n",
		"others stay",
	);
});

t.test("text", (t) => {
	t.equal(
		missText(missed, [near, hopeless]),
		`No recording answers GET http://a.test/p?t=2
Nearest:
1. GET http://a.test/p?t=1 → 200 (flow 3f2a1b2c)
   query field "t": recorded "1", sent "2"
   would answer with --ignore-params t
`,
	);
	t.match(
		missText(missed, [hopeless, near]),
		/1\. .*\n {3}method: recorded "PUT", sent "GET"\n {3}no option makes it match\n2\. /,
	);
	t.match(
		missText(missed, [
			{ ...near, uses: 2, differences: [], options: [{ name: "server_replay_order", value: "sequence" }] },
		]),
		/the same request, but this recording has answered 2 times already\n {3}would answer with --order sequence/,
	);
	t.match(
		missText(missed, [{ ...near, status: null, options: null }]),
		/\(flow 3f2a1b2c\)\n.*\n {3}it has no response/,
	);
	t.match(missText(missed, []), /\nNo recording has this host, or a path like this one\.\n$/);
	t.match(missText(missed, null), /Too many misses/);
	t.match(
		missText(missed, [
			{ ...near, differences: Array.from({ length: 12 }, () => near.differences[0] as NearMiss["differences"][0]) },
		]),
		/and 4 more/,
	);
	t.end();
});

t.test("a body that is damaged or was not recorded", (t) => {
	const missing = { ...near, kept: false, options: null };
	t.match(missText(missed, [missing]), /its body was not recorded, so it cannot answer: --store-streamed-bodies /);
	t.match(missText(missed, [{ ...missing, damaged: true }]), /its body is damaged on the tape, so it cannot answer/);
	t.end();
});

t.test("for loopback addresses, it first asks whether the command started the server", (t) => {
	const port: NearMiss = {
		...near,
		url: "http://127.0.0.1:3000/p",
		differences: [
			{ part: "port", recorded: "3000", sent: "3001", option: { name: "server_replay_ignore_port", value: true } },
		],
		options: [{ name: "server_replay_ignore_port", value: true }],
	};
	t.match(
		missText({ method: "GET", url: "http://127.0.0.1:3001/p" }, [port]),
		/^No recording .*\nIs this a server of the program itself\? .*\nNearest:\n[\s\S]* {3}if it is another server, whose port changes: would answer with --ignore-port\n$/,
	);
	for (const host of ["localhost", "app.localhost:80", "[::1]:8080"])
		t.match(missText({ method: "GET", url: `https://${host}/` }, []), /server of the program itself/, host);
	for (const host of ["localhost.example.com", "127.0.0.1.example.com"])
		t.notMatch(missText({ method: "GET", url: `http://${host}/` }, []), /server of the program itself/, host);
	t.end();
});

t.test("text of differences", (t) => {
	const option = null;
	t.equal(
		differenceText({ part: "json", name: "/a", recorded: null, sent: '"1"', option }),
		'json /a: recorded nothing, sent "1"',
	);
	t.equal(differenceText({ part: "json", name: "", recorded: "1", sent: "2", option }), 'json "": recorded 1, sent 2');
	t.equal(
		differenceText({ part: "header", name: "accept", recorded: "x".repeat(100), sent: null, option }),
		`header "accept": recorded "${"x".repeat(80)}…", sent nothing`,
	);
	t.match(differenceText({ part: "match", recorded: null, sent: null, option }), /match function/);
	t.match(differenceText({ part: "notation", recorded: "1 bytes", sent: "2 bytes", option }), /different bytes/);
	t.end();
});

t.test("data for JSON", (t) => {
	t.same(JSON.parse(JSON.stringify(missData(missed, [near]))), {
		error: "no recording",
		request: missed,
		nearest: [
			{
				id: "3f2a1b2c-0000",
				method: "GET",
				url: "http://a.test/p?t=1",
				status: 200,
				kept: true,
				damaged: false,
				uses: 0,
				distance: 2,
				differences: [{ part: "query", name: "t", recorded: "1", sent: "2", option: "server_replay_ignore_params=t" }],
				options: ["server_replay_ignore_params=t"],
			},
		],
	});
	t.match(missData(missed, null), { nearest: null });
	t.end();
});
