// The keys of the page, and the dialog that lists them. Single letters act only outside of inputs.
import { useEffect, useRef } from "preact/hooks";
import { ask, save } from "./client.ts";
import { close, copyAs } from "./details.tsx";
import { cellOf, followEnd, toggle } from "./list.tsx";
import {
	attempt,
	chosen,
	cursor,
	edit,
	go,
	isFollowing,
	moveTab,
	moveTo,
	openRow,
	place,
	rowAt,
	say,
	selection,
	set,
	total,
	undo,
} from "./state.ts";

/** Markers of the keys 1 to 7, as mitmproxy names them. */
const MARKERS = ["red", "orange", "yellow", "green", "blue", "purple", "brown"].map((colour) => `:${colour}_circle:`);

interface Key {
	/** The keys, as `KeyboardEvent.key` names them. */
	readonly keys: readonly string[];
	/** How they are shown; default: the keys. */
	readonly shown?: string;
	readonly help: string;
	readonly act: (event: KeyboardEvent) => void;
}

const page = () => Math.max(1, Math.floor((document.getElementById("list")?.clientHeight ?? 240) / 24) - 2);

const focusOn = (id: string) => document.getElementById(id)?.focus();

/** Presses a button of the details by its key. */
const press = (key: string) => document.querySelector<HTMLButtonElement>(`[data-key="${key}"]`)?.click();

const KEYS: readonly Key[] = [
	{ keys: ["j", "ArrowDown"], shown: "j ↓", help: "next flow", act: () => moveTo(cursor.value + 1) },
	{ keys: ["k", "ArrowUp"], shown: "k ↑", help: "previous flow", act: () => moveTo(cursor.value - 1) },
	{ keys: ["PageDown"], help: "a page down", act: () => moveTo(cursor.value + page()) },
	{ keys: ["PageUp"], help: "a page up", act: () => moveTo(cursor.value - page()) },
	{ keys: ["Home"], help: "first flow", act: () => moveTo(0) },
	{ keys: ["End"], help: "last flow", act: () => moveTo(total.value - 1) },
	{
		keys: ["Enter"],
		help: "open the flow",
		act: () => {
			openRow(cursor.value);
			setTimeout(() => focusOn("part"), 50);
		},
	},
	{ keys: ["/"], help: "filter", act: () => focusOn("filter") },
	{ keys: ["Escape"], help: "close the details", act: () => (place.value.seq === null ? focusOn("list") : close()) },
	{ keys: ["["], help: "previous tab", act: () => moveTab(-1) },
	{ keys: ["]"], help: "next tab", act: () => moveTab(1) },
	{
		keys: [" "],
		shown: "Space",
		help: "select the flow; with Shift, up to here",
		act: (event) => select(event.shiftKey),
	},
	{ keys: ["n"], help: "next match in the body", act: () => press("n") },
	{ keys: ["N"], help: "previous match in the body", act: () => press("N") },
	{
		keys: ["p"],
		help: "body: laid out or as text",
		act: () => go({ view: place.value.view === "auto" ? "text" : "auto" }, true),
	},
	{
		keys: ["f"],
		help: "follow: stay at the end",
		act: () => {
			if (isFollowing.value) isFollowing.value = false;
			else followEnd();
			say(isFollowing.value ? "Following." : "Not following.");
		},
	},
	{ keys: ["m"], help: "mark", act: () => mark(":default:") },
	...MARKERS.map((marker, index) => ({
		keys: [String(index + 1)],
		help: `mark in ${/[a-z]+/.exec(marker)?.[0]}`,
		act: () => mark(marker),
	})),
	{ keys: ["0"], help: "remove the mark", act: () => mark("") },
	{ keys: ["c"], help: "comment", act: () => openDialog("comment-dialog") },
	{ keys: ["u"], help: "undo the last edit", act: () => void attempt(undo) },
	{ keys: ["="], help: "compare the two selected flows", act: () => compare() },
	{ keys: ["y"], help: "copy as curl", act: () => copyChosen("curl") },
	{ keys: ["Y"], help: "choose how to copy", act: () => openTab("export") },
	{ keys: ["x"], help: "explain", act: () => openTab("explain") },
	{ keys: ["e"], help: "export the selection or the list", act: () => openDialog("export-dialog") },
	{ keys: ["g"], help: "go to a flow by its number", act: () => openDialog("go-dialog") },
	{ keys: ["?"], help: "all keys", act: () => openDialog("keys-dialog") },
];

const byKey = new Map(KEYS.flatMap((key) => key.keys.map((name) => [name, key])));

/** Handles a key that no input takes. */
export function onKey(event: KeyboardEvent): void {
	const target = event.target as HTMLElement;
	if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
	if (/^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
	const isButton = target.closest("button, summary, a") !== null;
	if (isButton && (event.key === "Enter" || event.key === " ")) return;
	// the details scroll by these keys
	const isInDetails = target.closest("#details") !== null;
	if (isInDetails && /^(?:Arrow|Page|Home|End)/.test(event.key)) return;
	const key = byKey.get(event.key);
	if (key === undefined) return;
	event.preventDefault();
	key.act(event);
}

function mark(marked: string): void {
	void attempt(() => edit({ marked }));
}

function select(isRange: boolean): void {
	const row = rowAt(cursor.value);
	if (row === undefined) return;
	if (!isRange || selection.value.size === 0) {
		toggle(cellOf(row, "seq") as number, cursor.value);
		return;
	}
	const { set: id } = set.value ?? {};
	const { length } = [...selection.value];
	void attempt(async () => {
		const last = [...selection.value].at(-1);
		const { place: from } = await ask<{ place: number | null }>(`sets/${id}/place?seq=${last}`);
		if (from === null) return;
		const [first, end] = [Math.min(from, cursor.value), Math.max(from, cursor.value)];
		const next = new Set(selection.value);
		for (let at = first; at <= end; at += 500) {
			const answer = await ask<{ rows: number[][] }>(`sets/${id}/rows?from=${at}&count=${Math.min(500, end - at + 1)}`);
			for (const [seq] of answer.rows) if (seq !== undefined) next.add(seq);
		}
		selection.value = next;
		say(`${next.size - length} more flows selected`);
	});
}

function compare(): void {
	const [a, b] = chosen();
	if (b !== undefined && a !== undefined) go({ seq: b, other: a, tab: "compare" });
	else if (a !== undefined) go({ seq: a, other: null, tab: "compare" });
}

function openTab(tab: "export" | "explain"): void {
	const [seq] = chosen();
	if (seq !== undefined) go({ seq, tab });
}

function copyChosen(format: string): void {
	const seq = place.value.seq ?? chosen()[0];
	if (seq !== undefined) void copyAs(seq, format);
}

/** Opens a dialog; Escape closes it, and the focus goes back. */
export function openDialog(id: string): void {
	(document.getElementById(id) as HTMLDialogElement | null)?.showModal();
}

export function KeysDialog() {
	return (
		<dialog id="keys-dialog" aria-labelledby="keys-title">
			<h2 id="keys-title">Keys</h2>
			<dl class="keys">
				{KEYS.map(({ keys, shown, help }) => (
					<div key={help}>
						<dt>
							<kbd>{shown ?? keys.join(" ")}</kbd>
						</dt>
						<dd>{help}</dd>
					</div>
				))}
			</dl>
			<form method="dialog">
				<button type="submit">Close</button>
			</form>
		</dialog>
	);
}

/** A dialog with one input. */
function InputDialog({
	id,
	title,
	type,
	onAnswer,
}: {
	id: string;
	title: string;
	/** The kind of input, as in HTML. */
	type: "text" | "number";
	onAnswer: (text: string) => void;
}) {
	const input = useRef<HTMLInputElement>(null);
	const dialog = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const clear = () => {
			if (input.current !== null) input.current.value = "";
		};
		dialog.current?.addEventListener("close", clear);
		return () => dialog.current?.removeEventListener("close", clear);
	}, []);
	const done = () => {
		const text = input.current?.value ?? "";
		dialog.current?.close();
		onAnswer(text);
	};
	return (
		<dialog id={id} ref={dialog} aria-labelledby={`${id}-title`}>
			<h2 id={`${id}-title`}>{title}</h2>
			<label>
				{title}{" "}
				<input
					ref={input}
					inputMode={type === "number" ? "numeric" : "text"}
					onKeyDown={(event) => {
						if (event.key !== "Enter") return;
						event.preventDefault();
						done();
					}}
				/>
			</label>
			<button type="button" onClick={done}>
				OK
			</button>
			<button type="button" onClick={() => dialog.current?.close()}>
				Cancel
			</button>
		</dialog>
	);
}

export function Dialogs({ formats }: { formats: readonly string[] }) {
	return (
		<>
			<KeysDialog />
			<InputDialog
				id="comment-dialog"
				title="Comment"
				type="text"
				onAnswer={(text) => void attempt(() => edit({ comment: text }))}
			/>
			<InputDialog
				id="go-dialog"
				title="Number of the flow"
				type="number"
				onAnswer={(text) => /^\d+$/.test(text) && go({ seq: Number(text), other: null })}
			/>
			<dialog id="export-dialog" aria-labelledby="export-title">
				<h2 id="export-title">Export</h2>
				<p>
					{selection.value.size > 0 ? `${selection.value.size} selected flows` : `${total.value} flows of the list`}
				</p>
				{formats.map((format) => (
					<button key={format} type="button" onClick={() => exportAs(format)}>
						{format}
					</button>
				))}
				<form method="dialog">
					<button type="submit">Cancel</button>
				</form>
			</dialog>
		</>
	);
}

function exportAs(format: string): void {
	(document.getElementById("export-dialog") as HTMLDialogElement | null)?.close();
	const flows = selection.value.size > 0 ? [...selection.value] : { set: set.value?.set ?? 0 };
	void attempt(() => save("export", { method: "POST", body: { flows, format } }));
}
