// What stands beside the entries goes with the first flow, or with the last.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { LogFields } from "../../../formats/har/log-fields.ts";

t.test("fields and pages that nobody names", async (t) => {
	const log = new LogFields();
	log.addField("version", Buffer.from('"1.2"'));
	log.addField("creator", Buffer.from('{"name":"Zilla"}'));
	log.addField("browser", Buffer.from('{"name":"Zilla"}'));
	log.addField("pages", Buffer.from('[{"id":"a"},{"id":"b"},5]'));
	t.equal(log.creator, "Zilla");
	t.equal(log.pages.size, 2);
	const [first, last] = [httpFlow({ metadata: { har: { entry: { x: 1 } } } }), httpFlow()];
	t.ok(log.storeIn(first, false));
	log.markPage({ pageref: "a" });
	log.addField("comment", Buffer.from('"late"'));
	t.ok(log.storeIn(last, true));
	t.same(first.metadata, { har: { entry: { x: 1 }, log: { browser: { name: "Zilla" } } } });
	t.same(last.metadata, { har: { log: { comment: "late", pages: [{ id: "b" }] } } });
	t.notOk(new LogFields().storeIn(undefined, true));
});
