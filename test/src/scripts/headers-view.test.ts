// Header fields as scripts see them.
import t from "tap";
import { HeadersView } from "../../../src/scripts/headers-view.ts";

t.test("fields by name, in order", async (t) => {
	const headers = new HeadersView();
	headers.add("A", "1");
	headers.add("b", "2");
	headers.add("a", "3");
	t.equal(headers.get("a"), "1, 3");
	t.same(headers.get_all("A"), ["1", "3"]);
	headers.insert(0, "First", "0");
	headers.set("A", "x");
	t.same(
		[...headers],
		[
			["First", "0"],
			["A", "x"],
			["b", "2"],
		],
	);
	headers.set_all("b", ["4", "5"]);
	t.ok(headers.delete("first"));
	t.same(
		[...headers],
		[
			["A", "x"],
			["b", "4"],
			["b", "5"],
		],
	);
	t.ok(headers.has("B"));
	t.equal(headers.get("none"), null);
});

t.test("setting a property is an error", async (t) => {
	const headers = new HeadersView() as unknown as Record<string, string>;
	t.throws(() => {
		headers["x-a"] = "1";
	}, TypeError);
});
