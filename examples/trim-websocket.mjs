// Drops what only keeps a WebSocket open, so that a tape shows what was said.
export function websocket_message(flow) {
	const message = flow.websocket.messages.at(-1);
	if (message.is_text && /^(?:ping|pong|)$/i.test(message.text)) message.drop();
}
