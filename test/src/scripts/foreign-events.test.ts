// Functions of scripts that are never called.
import t from "tap";
import { foreignEvents } from "../../../src/scripts/foreign-events.ts";

t.test("in the module or its addons, if they are functions", (t) => {
	class Sub {
		next_layer() {}
		request() {}
	}
	const module = { dns_request() {}, response() {}, update: "a word of its own" };
	t.same(foreignEvents([module, new Sub()] as never), ["next_layer", "dns_request"]);
	t.end();
});
