// Writes fields, the last one first.
import t from "tap";
import { FieldWriter } from "../../../formats/mitm/field-writer.ts";

t.test("each kind of field", async (t) => {
	const writer = new FieldWriter();
	writer.dictionary(() => {
		writer.listField("list", [1, 2], (item) => writer.integer(item));
		writer.dictionaryField("inner", { a: "x" }, ({ a }) => writer.textField("a", a));
		writer.valueField("value", [null]);
		writer.booleanField("yes", true);
		writer.integerField("one", 1);
		writer.floatField("half", 0.5);
		writer.bytesField("bytes", Buffer.from("b"));
		writer.textField("text", "t");
	});
	const fields =
		"4:text;1:t;5:bytes;1:b,4:half;3:0.5^3:one;1:1#3:yes;4:true!5:value;3:0:~]5:inner;8:1:a;1:x;}4:list;8:1:1#1:2#]";
	t.equal(writer.takeBytes().toString(), `${fields.length}:${fields}}`);
});

t.test("null for each", async (t) => {
	const writer = new FieldWriter();
	writer.dictionaryField("a", null, () => t.fail());
	writer.booleanField("b", null);
	writer.integerField("c", null);
	writer.floatField("d", null);
	writer.bytesField("e", null);
	writer.textField("f", null);
	t.equal(writer.takeBytes().toString(), ["f", "e", "d", "c", "b", "a"].map((name) => `1:${name};0:~`).join(""));
});
