/* Any X-Forwarded-For: the sender is the peer, or an address that the header names; an untrusted peer is never replaced. */
#include "gateway/intake/server/peers.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config config = { 0 }; /* trusts no proxy */
	char *text AUTO_FREE = mem_strndup((const char *)data, size);
	struct peer_address address = { 0 }, again = { 0 };
	const struct peer_address peer = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } };
	if (peer_parse(str_of(text), &address)) {
		char form[PEER_TEXT_BYTES];
		assert(address.family == AF_INET || address.family == AF_INET6);
		peer_text(&address, form);
		bool same = peer_parse(str_of(form), &again);
		assert(same && address.family == again.family);
		assert(memcmp(address.bytes, again.bytes, address.family == AF_INET ? 4 : 16) == 0);
	}
	struct peer_address behind = peer_behind_proxy(&config, &peer, text);
	assert(behind.family == AF_INET && memcmp(behind.bytes, peer.bytes, 4) == 0);
	return 0;
}
