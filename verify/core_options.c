#include "verify/core_options.h"

#include <string.h>

_Static_assert(
    (int)CONF_NAMESERVERS_MAX == (int)DNS_SERVERS_MAX, "all servers fit");

/*
 * A question must time out before its message does, to leave time for
 * the message's other questions and the reply.  The first retransmission must
 * leave time for several more.  A resolver with a cold cache needs 100 to 500
 * ms.
 */
struct dns_resolver_options
core_options_resolver(const struct conf *conf)
{
	unsigned first = conf->timeout_ms / 30;
	struct dns_resolver_options o = {
		.n_servers = conf->dns.n_servers,
		.first_ms = first < 100 ? 100
		    : first > 500       ? 500
					: first,
		.total_ms = conf->timeout_ms / 5 * 4,
	};

	memcpy(o.servers, conf->dns.servers, sizeof(o.servers));
	return o;
}

struct dns_cache_options
core_options_cache(const struct conf *conf)
{
	return (struct dns_cache_options){
		.bytes = conf->cache.bytes,
	};
}

struct dkim_options
core_options_dkim(const struct conf *conf)
{
	return (struct dkim_options){
		.min_rsa_bits = conf->dkim.min_rsa_bits,
	};
}
