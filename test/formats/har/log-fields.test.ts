// Stores fields outside the entries with the first or last flow.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { LogFields } from "../../../formats/har/log-fields.ts";

t.test("fields, and pages without an entry", async (t) => {
	const log = new LogFields();
	log.addField("version", Buffer.from('"1.2"'));
	log.addField("creator", Buffer.from('{"name":"Zilla"}'));
	log.addField("browser", Buffer.from('{"name":"Zilla"}'));
	log.addField("pages", Buffer.from('[{"id":"a"},{"id":"b"},5]'));
	t.equal(log.creator, "Zilla");
	t.same([log.pages.get("a"), log.pages.get("b"), log.pages.get("c")], [{ id: "a" }, { id: "b" }, undefined]);
	const [first, last] = [httpFlow({ metadata: { har: { entry: { x: 1 } } } }), httpFlow()];
	t.ok(log.storeIn(first, false));
	log.markPage({ pageref: "a" });
	log.addField("comment", Buffer.from('"late"'));
	t.ok(log.storeIn(last, true));
	t.same(first.metadata, { har: { entry: { x: 1 }, log: { browser: { name: "Zilla" } } } });
	t.same(last.metadata, { har: { log: { comment: "late", pages: [{ id: "b" }] } } });
	t.notOk(new LogFields().storeIn(undefined, true));
});

t.test("only recent pages of entries are kept", async (t) => {
	const { pages } = new LogFields();
	const title = "x".repeat(1000);
	for (let i = 0; i < 20_000; i++) pages.set(String(i), { id: String(i), title });
	t.match(pages.get("19999"), { id: "19999" });
	t.equal(pages.get("0"), undefined);
});
