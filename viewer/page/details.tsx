// The open flow: its messages, times and connections, the explanation, the comparison and the commands.
import { useEffect, useState } from "preact/hooks";
import { Body } from "./body.tsx";
import { ask } from "./client.ts";
import { durationText, plain, plainText, sizeText, timeText } from "./format.ts";
import { TABS, type Tab } from "./place.ts";
import type {
	DiffAnswer,
	ExplainAnswer,
	Field,
	FlowDetails,
	FlowMessage,
	MessageDetails,
	MessagesWindow,
} from "./protocol.ts";
import { attempt, details, go, moveTab, place, say, tape } from "./state.ts";

const TITLES: Readonly<Record<Tab, string>> = {
	request: "Request",
	response: "Response",
	messages: "Messages",
	timing: "Timing",
	connection: "Connection",
	explain: "Explain",
	compare: "Compare",
	export: "Copy as",
};

export function Details() {
	const flow = details.value;
	if (flow === null) return null;
	const { tab } = place.value;
	const index = flow.sameKey.indexOf(flow.seq);
	return (
		<aside class="details" aria-label={`Flow ${flow.seq}`} id="details" tabIndex={-1}>
			<header>
				<h2>{plain(flow.title)}</h2>
				<p>
					{flow.sameKey.length > 1 && (
						<span class="same">
							{index + 1} of {flow.sameKey.length} with this key{" "}
							<button
								type="button"
								disabled={index <= 0}
								onClick={() => go({ seq: flow.sameKey[index - 1] ?? null, other: null }, true)}
							>
								Before
							</button>
							<button
								type="button"
								disabled={index + 1 >= flow.sameKey.length}
								onClick={() => go({ seq: flow.sameKey[index + 1] ?? null, other: null }, true)}
							>
								After
							</button>
						</span>
					)}
					{flow.session !== null && <span> session {plain(flow.session)}</span>}
					{flow.comment !== "" && <span> # {plain(flow.comment)}</span>}
				</p>
				{[...(flow.error === null ? [] : [flow.error]), ...flow.incomplete].map((text) => (
					<p key={text} class="error">
						{plain(text)}
					</p>
				))}
				<button type="button" class="close" aria-label="Close the details" onClick={() => close()}>
					×
				</button>
			</header>
			<div
				class="tabs"
				role="tablist"
				aria-label="Parts of the flow"
				onKeyDown={(event) => {
					if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
					moveTab(event.key === "ArrowLeft" ? -1 : 1);
					// the selected tab has the focus
					requestAnimationFrame(() => document.getElementById(`tab-${place.value.tab}`)?.focus());
				}}
			>
				{TABS.map((name) => (
					<button
						key={name}
						type="button"
						role="tab"
						id={`tab-${name}`}
						aria-selected={name === tab}
						aria-controls="part"
						tabIndex={name === tab ? 0 : -1}
						onClick={() => go({ tab: name }, true)}
					>
						{TITLES[name]}
						{name === "messages" && flow.messages > 0 ? ` (${flow.messages})` : ""}
					</button>
				))}
			</div>
			<div class="part" role="tabpanel" id="part" aria-labelledby={`tab-${tab}`} tabIndex={0}>
				<Part key={`${flow.seq} ${tab} ${flow.revision}`} flow={flow} tab={tab} />
			</div>
		</aside>
	);
}

/** Closes the details and goes back to the list. */
export function close(): void {
	go({ seq: null, other: null });
	document.getElementById("list")?.focus();
}

function Part({ flow, tab }: { flow: FlowDetails; tab: Tab }) {
	switch (tab) {
		case "request":
		case "response":
			return <Message flow={flow} side={tab} message={flow[tab]} />;
		case "messages":
			return <Messages flow={flow} />;
		case "timing":
			return <Timing flow={flow} />;
		case "connection":
			return <Fields title="Connection" fields={[["id", flow.id], ...flow.connection]} />;
		case "explain":
			return <Explain seq={flow.seq} />;
		case "compare":
			return <Compare flow={flow} />;
		case "export":
			return <CopyAs flow={flow} />;
	}
}

function Message({
	flow,
	side,
	message,
}: {
	flow: FlowDetails;
	side: "request" | "response";
	message: MessageDetails | null;
}) {
	if (message === null)
		return <p class="note">{flow.kind === "http" ? `There is no ${side}.` : "This flow has messages only."}</p>;
	return (
		<>
			<p class="first">
				<code>{plain(message.first)}</code>
			</p>
			{message.query.length > 0 && <Fields title="Query" fields={message.query} />}
			<Fields title="Headers" fields={message.headers} />
			{message.cookies.length > 0 && <Fields title="Cookies" fields={message.cookies} />}
			{message.trailers.length > 0 && <Fields title="Trailers" fields={message.trailers} />}
			<Body seq={flow.seq} side={side} message={message} />
		</>
	);
}

function Fields({ title, fields }: { title: string; fields: readonly Field[] }) {
	return (
		<section class="fields" aria-label={title}>
			<h3>{title}</h3>
			<dl>
				{fields.map(([name, value], index) => (
					<div key={index}>
						<dt>{plain(name)}</dt>
						<dd>{plain(value)}</dd>
					</div>
				))}
			</dl>
		</section>
	);
}

const MESSAGES = 100;

function Messages({ flow: { seq, messages: count } }: { flow: FlowDetails }) {
	const [from, setFrom] = useState(0);
	const [find, setFind] = useState("");
	const [window, setWindow] = useState<MessagesWindow | null>(null);
	useEffect(() => {
		const query = new URLSearchParams({ from: String(from), count: String(MESSAGES), find });
		void attempt(async () => setWindow(await ask<MessagesWindow>(`flows/${seq}/messages?${query}`)));
	}, [seq, from, find]);
	if (count === 0) return <p class="note">This flow has no messages.</p>;
	if (window === null) return <p class="note">Loading…</p>;
	const start = window.messages.find(({ at }) => at !== null)?.at ?? 0;
	return (
		<>
			<div class="tools">
				<label>
					Find{" "}
					<input
						type="search"
						value={find}
						onInput={(event) => {
							setFind(event.currentTarget.value);
							setFrom(0);
						}}
					/>
				</label>
				<output>
					{window.total === 0 ? "none" : `${from + 1}–${from + window.messages.length} of ${window.total}`}
				</output>
				<button type="button" disabled={from === 0} onClick={() => setFrom(Math.max(0, from - MESSAGES))}>
					Earlier
				</button>
				<button type="button" disabled={from + MESSAGES >= window.total} onClick={() => setFrom(from + MESSAGES)}>
					Later
				</button>
			</div>
			<ol class="messages">
				{window.messages.map((message) => (
					<OneMessage key={message.n} message={message} start={start} />
				))}
			</ol>
		</>
	);
}

function OneMessage({ message: { at, fromClient, kind, size, text }, start }: { message: FlowMessage; start: number }) {
	return (
		<li class={fromClient ? "sent" : "received"}>
			<span class="meta">
				{fromClient ? "→ sent" : "← received"} {plain(kind)} {sizeText(size)}
				{at !== null && (
					<>
						{" "}
						<time title={timeText(at)}>+{durationText(Math.max(0, at - start))}</time>
					</>
				)}
			</span>
			<pre>{plainText(text)}</pre>
		</li>
	);
}

function Timing({ flow: { timing } }: { flow: FlowDetails }) {
	if (timing.length === 0) return <p class="note">No times were recorded.</p>;
	const end = Math.max(...timing.map(({ to }) => to), 1e-6);
	return (
		<table class="timing">
			<caption>Times from the start of the request</caption>
			<thead>
				<tr>
					<th scope="col">Phase</th>
					<th scope="col">From</th>
					<th scope="col">Takes</th>
					<th scope="col">Bar</th>
				</tr>
			</thead>
			<tbody>
				{timing.map(({ name, from, to }) => (
					<tr key={name}>
						<th scope="row">{name}</th>
						<td>{durationText(Math.max(from, 0))}</td>
						<td>{durationText(to - from)}</td>
						<td class="bar">
							<span
								style={{
									marginInlineStart: `${(Math.max(from, 0) / end) * 100}%`,
									width: `${Math.max(((to - from) / end) * 100, 0.5)}%`,
								}}
							/>
						</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

function Explain({ seq }: { seq: number }) {
	const [text, setText] = useState<string | null>(null);
	useEffect(() => {
		void attempt(async () => setText((await ask<ExplainAnswer>("explain", { method: "POST", body: { seq } })).text));
	}, [seq]);
	return text === null ? <p class="note">Loading…</p> : <pre class="text">{plainText(text)}</pre>;
}

function Compare({ flow: { seq, sameKey } }: { flow: FlowDetails }) {
	const index = sameKey.indexOf(seq);
	const other = place.value.other ?? sameKey[index - 1] ?? sameKey[index + 1] ?? null;
	const [answer, setAnswer] = useState<DiffAnswer | null>(null);
	useEffect(() => {
		setAnswer(null);
		if (other === null) return;
		void attempt(async () => setAnswer(await ask<DiffAnswer>("diff", { method: "POST", body: { a: other, b: seq } })));
	}, [seq, other]);
	const choose = (
		<label>
			Compared with flow{" "}
			<input
				type="number"
				min={1}
				value={other ?? ""}
				onChange={(event) => {
					const number = Number(event.currentTarget.value);
					if (Number.isSafeInteger(number) && number > 0) go({ other: number }, true);
				}}
			/>
		</label>
	);
	if (other === null || answer === null) return <p class="tools">{choose}</p>;
	return (
		<>
			<p class="tools">{choose}</p>
			{answer.differences.length === 0 ? (
				<p class="note">The two flows are the same.</p>
			) : (
				<table class="compare">
					<thead>
						<tr>
							<th scope="col">Part</th>
							<th scope="col">Flow {other}</th>
							<th scope="col">Flow {seq}</th>
						</tr>
					</thead>
					<tbody>
						{answer.differences.map(({ side, part, name, before, after }) => (
							<tr key={`${side} ${part} ${name}`}>
								<th scope="row">
									{side} {part} {plain(name ?? "")}
								</th>
								<td>{before === null ? <i>none</i> : plain(before)}</td>
								<td>{after === null ? <i>none</i> : plain(after)}</td>
							</tr>
						))}
					</tbody>
				</table>
			)}
		</>
	);
}

function CopyAs({ flow: { seq, kind } }: { flow: FlowDetails }) {
	const [format, setFormat] = useState("curl");
	const [answer, setAnswer] = useState<{ text: string; losses: string[] } | null>(null);
	useEffect(() => {
		if (kind === "http") void attempt(async () => setAnswer(await ask(`flows/${seq}/export/${format}`)));
	}, [seq, format]);
	if (kind !== "http") return <p class="note">Only HTTP requests can be copied as a command.</p>;
	return (
		<>
			<div class="tools">
				<label>
					Format{" "}
					<select value={format} onChange={(event) => setFormat(event.currentTarget.value)}>
						{(tape.value?.exports ?? []).map((name) => (
							<option key={name} value={name}>
								{name}
							</option>
						))}
					</select>
				</label>
				<button type="button" onClick={() => void copyAs(seq, format)}>
					Copy
				</button>
			</div>
			{answer?.losses.map((loss) => (
				<p key={loss} class="error">
					{plain(loss)}
				</p>
			))}
			<pre class="text">{plainText(answer?.text ?? "")}</pre>
		</>
	);
}

/** Copies a flow's request as a command to the clipboard. */
export async function copyAs(seq: number, format: string): Promise<void> {
	await attempt(async () => {
		const { text } = await ask<{ text: string }>(`flows/${seq}/export/${format}`);
		await navigator.clipboard.writeText(text);
		say(`Copied as ${format}.`);
	});
}
