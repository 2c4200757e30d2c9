/*
 * core_options.h - builds the options for the resolver, the cache and DKIM from
 * the configuration.
 */
#ifndef AVOUCH_VERIFY_CORE_OPTIONS_H
#define AVOUCH_VERIFY_CORE_OPTIONS_H

#include "conf/conf.h"
#include "dkim/dkim.h"
#include "dns/cache.h"
#include "dns/resolver.h"

struct dns_resolver_options core_options_resolver(const struct conf *conf);
struct dns_cache_options core_options_cache(const struct conf *conf);
struct dkim_options core_options_dkim(const struct conf *conf);

#endif
