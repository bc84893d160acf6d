import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { httpieCommand } from "../../../src/export/httpie.ts";

t.test("fields, and what HTTPie would add by itself taken away", async (t) => {
	const request = httpRequest({
		method: "PATCH",
		headers: [
			["Host", "example.com"],
			["X-A", "=1"],
			["X-Empty", ""],
			["Accept", "*/*"],
		],
	});
	t.equal(
		httpieCommand(request),
		`http --ignore-stdin PATCH http://example.com/ \\
  'X-A: =1' \\
  'X-Empty;' \\
  'Accept: */*' \\
  user-agent: \\
  accept-encoding: \\
  connection:
`,
	);
});

t.test("a body is piped in", async (t) => {
	const command = httpieCommand(httpRequest({ method: "POST", body: "a=1\n" }));
	t.match(command, /^printf 'a=1\\012' \|\nhttp POST /);
	t.match(command, "content-type:");
	t.match(httpieCommand(httpRequest({ path: "/a/../b" })), /^http --ignore-stdin --path-as-is GET /);
});
