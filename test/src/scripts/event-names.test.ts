// Names of functions in scripts, and misspelt ones.
import t from "tap";
import { misspeltEvents, requireEvents } from "../../../src/scripts/event-names.ts";

const nothing = () => {};
const check = (...addons: object[]) => requireEvents("x.mjs", addons as never);
const message = (found: string) =>
	`x.mjs: expected an exported function with the name of an event, such as "export function request(flow)", found ${found}`;

t.test("a name that is almost that of an event", async (t) => {
	class Sub {
		requestHeaders() {}
		helper() {}
	}
	const found = misspeltEvents([
		{ reqest: nothing, response: nothing, respons: nothing, help: nothing },
		new Sub(),
	] as never);
	t.strictSame(
		[...found],
		[
			["reqest", "request"],
			["requestHeaders", "requestheaders"],
		],
	);
});

t.test("a script needs at least one function that is called", async (t) => {
	class Base {
		tcp_message() {}
	}
	class Sub extends Base {}
	for (const addons of [[{ request: nothing }], [{ load: nothing }], [{}, { done: nothing }], [{}, new Sub()]])
		t.doesNotThrow(() => check(...addons));
	for (const [addons, found] of [
		[[{}], "no exports"],
		[[{ default: nothing }], "default (a default export is not called)"],
		[[{ default: { request: nothing }, limit: 3 }], "default (a default export is not called), limit"],
		[[{ reqest: nothing, helper: nothing }], "reqest (did you mean request?), helper"],
		[[{ addons: [] }, { respnse: nothing }], "addons, respnse (did you mean response?)"],
		[[{ request: "no function" }], "request"],
		[[{ dns_request: nothing }], "dns_request"],
	] as const)
		t.throws(() => check(...addons), { code: "FT_SCRIPT", status: 2, message: message(found) });
});
