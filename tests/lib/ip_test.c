/* ip_test.c - addresses and networks */
#include "lib/ip.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <cmocka.h>

#include "lib/enum_names.h"

struct ip_text_vector {
	const char *text;
	const char *want; /* NULL: rejected */
};

static void
parses(const struct ip_text_vector *v, size_t n,
    bool (*parse)(struct span, struct ip *))
{
	for (; n > 0; n--, v++) {
		char text[IP_TEXT_MAX];
		struct buf b = buf_wrap(text, sizeof(text));
		struct ip ip = { .family = IP_V6 };
		bool good = parse(span_str(v->text), &ip);

		if (good != (v->want != NULL))
			fail_msg(
			    "%s: %s", v->text, good ? "accepted" : "rejected");
		ip_put(&b, &ip);
		if (strcmp(text, good ? v->want : "unknown") != 0 || b.full)
			fail_msg("%s: got %s", v->text, text);
	}
}

static void
rfc4291_2_2_and_5952_4(void **state)
{
	static const struct ip_text_vector vectors[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:C000:0201", "192.0.2.1" },
		{ "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	(void)state;
	parses(vectors, ARRAY_SIZE(vectors), ip_parse);
}

static void
refused(void **state)
{
	static const struct ip_text_vector vectors[] = {
		{ "", NULL },
		{ ".", NULL },
		{ ":", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.", NULL },
		{ "192.0.2.1.", NULL },
		{ "192.0.2.1.5", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.01", NULL },
		{ "192.0.2.1 ", NULL },
		{ " 192.0.2.1", NULL },
		{ "192.0.2.-1", NULL },
		{ "192.0.2.0x1", NULL },
		{ "3221225985", NULL },
		{ "192..2.1", NULL },
		{ "192.0.2.1/32", NULL },
		{ "[192.0.2.1]", NULL },
		{ "IPv6:::1", NULL },
		{ "1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "1:2:3:4:5:6:7:8::", NULL },
		{ "1::2::3", NULL },
		{ ":::", NULL },
		{ ":1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:", NULL },
		{ "12345::", NULL },
		{ "g::", NULL },
		{ "::1%lo", NULL },
		{ "::192.0.2", NULL },
		{ "::192.0.2.1:1", NULL },
		{ "1:2:3:4:5:6:7:192.0.2.1", NULL },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", NULL },
	};
	struct ip ip;

	(void)state;
	parses(vectors, ARRAY_SIZE(vectors), ip_parse);
	assert_false(ip_parse(SPAN_NONE, &ip));
	assert_false(ip_parse(SPAN("192.0.2.1\0"), &ip));
	assert_false(ip_parse(SPAN("::1\0x"), &ip));
	assert_true(ip_parse(span_of("192.0.2.123", 9), &ip));
	assert_int_equal(ip.bytes[3], 1);
}

static void
one_family_only(void **state)
{
	struct ip ip;

	(void)state;
	assert_true(ip_parse_v4(SPAN("192.0.2.1"), &ip));
	assert_int_equal(ip.family, IP_V4);
	assert_false(ip_parse_v4(SPAN("::1"), &ip));
	assert_int_equal(ip.family, IP_NONE);
	assert_false(ip_parse_v6(SPAN("192.0.2.1"), &ip));
	/* RFC 7208 section 5: an ip6 mechanism keeps a mapped address as
	 * IPv6 */
	assert_true(ip_parse_v6(SPAN("::ffff:192.0.2.1"), &ip));
	assert_int_equal(ip.family, IP_V6);
}

static void
networks(void **state)
{
	static const struct {
		const char *text;
		enum ip_net_error fault;
		const char *ip;
		unsigned bits;
	} vectors[] = {
		{ "192.0.2.0/24", IP_NET_OK, "192.0.2.0", 24 },
		{ "192.0.2.1", IP_NET_OK, "192.0.2.1", 32 },
		{ "192.0.2.1/32", IP_NET_OK, "192.0.2.1", 32 },
		{ "0.0.0.0/0", IP_NET_OK, "0.0.0.0", 0 },
		{ "192.0.2.129/25", IP_NET_HOST_BITS, "192.0.2.128", 25 },
		{ "192.0.2.1/0", IP_NET_HOST_BITS, "0.0.0.0", 0 },
		{ "192.0.2.1/31", IP_NET_HOST_BITS, "192.0.2.0", 31 },
		{ "2001:db8::/32", IP_NET_OK, "2001:db8::", 32 },
		{ "2001:db8::1", IP_NET_OK, "2001:db8::1", 128 },
		{ "2001:db8::1/64", IP_NET_HOST_BITS, "2001:db8::", 64 },
		{ "::/0", IP_NET_OK, "::", 0 },
		{ "::ffff:10.0.0.0/104", IP_NET_OK, "10.0.0.0", 8 },
		{ "::ffff:10.0.0.1", IP_NET_OK, "10.0.0.1", 32 },
		{ "::ffff:0:0/95", IP_NET_HOST_BITS, "::fffe:0:0", 95 },
		{ "192.0.2.0/33", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/024", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/00", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/+8", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/8 ", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/8/8", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "192.0.2.0/4294967328", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "2001:db8::/129", IP_NET_NO_PREFIX, "unknown", 0 },
		{ "example.org/24", IP_NET_NO_ADDRESS, "unknown", 0 },
		{ "/24", IP_NET_NO_ADDRESS, "unknown", 0 },
		{ "", IP_NET_NO_ADDRESS, "unknown", 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char text[IP_TEXT_MAX];
		struct buf b = buf_wrap(text, sizeof(text));
		struct ip_net net;
		enum ip_net_error fault =
		    ip_net_parse(span_str(vectors[i].text), &net);

		ip_put(&b, &net.ip);
		if (fault != vectors[i].fault || net.bits != vectors[i].bits ||
		    strcmp(text, vectors[i].ip) != 0)
			fail_msg("%s: fault %d, %s/%u", vectors[i].text,
			    (int)fault, text, net.bits);
	}
}

static void
inside(void **state)
{
	static const struct {
		const char *ip;
		const char *net;
		unsigned bits;
		bool want;
	} vectors[] = {
		{ "192.0.2.1", "192.0.2.1", 32, true },
		{ "192.0.2.1", "192.0.2.0", 32, false },
		{ "192.0.2.1", "192.0.2.0", 31, true },
		{ "192.0.2.127", "192.0.2.0", 25, true },
		{ "192.0.2.128", "192.0.2.0", 25, false },
		{ "193.0.2.1", "192.0.2.0", 7, true },
		{ "193.0.2.1", "192.0.2.0", 8, false },
		{ "1.2.3.4", "192.0.2.0", 0, true },
		{ "1.2.3.4", "1.2.3.4", 33, false },
		{ "2001:db8::1", "2001:db8::", 64, true },
		{ "2001:db8:0:1::1", "2001:db8::", 64, false },
		{ "2001:db8:0:1::1", "2001:db8::", 63, true },
		{ "2001:db8::1", "2001:db8::1", 128, true },
		{ "2001:db8::1", "2001:db8::1", 129, false },
		{ "::1", "0.0.0.0", 0, false },
		{ "192.0.2.1", "::", 0, false },
		{ "::ffff:192.0.2.1", "192.0.2.0", 24, true },
	};
	struct ip none = { .family = IP_NONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct ip ip, net;

		assert_true(ip_parse(span_str(vectors[i].ip), &ip));
		assert_true(ip_parse(span_str(vectors[i].net), &net));
		if (ip_in(&ip, &net, vectors[i].bits) != vectors[i].want)
			fail_msg("%s in %s/%u", vectors[i].ip, vectors[i].net,
			    vectors[i].bits);
		assert_true(ip_equal(&ip, &ip));
	}
	assert_false(ip_in(&none, &none, 0));
	assert_false(ip_equal(&none, &none));
}

static void
sockaddrs(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct ip ip, want;

	(void)state;
	in.sin_addr.s_addr = htonl(0xc0000201);
	in.sin_port = htons(2525);
	assert_int_equal(
	    ip_port_from_sockaddr((const struct sockaddr *)&in), 2525);
	assert_true(ip_parse(SPAN("192.0.2.1"), &want));
	ip = ip_from_sockaddr((const struct sockaddr *)&in);
	assert_true(ip_equal(&ip, &want));
	in6.sin6_addr = (struct in6_addr){ .s6_addr = { [10] = 255,
					       [11] = 255,
					       [12] = 192,
					       [14] = 2,
					       [15] = 1 } };
	ip = ip_from_sockaddr((const struct sockaddr *)&in6);
	assert_true(ip_equal(&ip, &want));
	in6.sin6_port = htons(25);
	assert_int_equal(
	    ip_port_from_sockaddr((const struct sockaddr *)&in6), 25);
	in6.sin6_addr = in6addr_loopback;
	assert_true(ip_parse(SPAN("::1"), &want));
	ip = ip_from_sockaddr((const struct sockaddr *)&in6);
	assert_true(ip_equal(&ip, &want));
	assert_int_equal(
	    ip_from_sockaddr((const struct sockaddr *)&un).family, IP_NONE);
	assert_int_equal(ip_from_sockaddr(NULL).family, IP_NONE);
	assert_int_equal(ip_port_from_sockaddr(NULL), 0);
	assert_int_equal(
	    ip_port_from_sockaddr((const struct sockaddr *)&un), 0);
}

static void
reverse_names(void **state)
{
	static const struct ip_text_vector vectors[] = {
		{ "192.0.2.65", "65.2.0.192.in-addr.arpa" }, /* RFC 1035 3.5 */
		{ "4321:0:1:2:3:4:567:89ab", /* RFC 3596 section 2.5 */
		    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0."
		    "1.2.3.4.ip6.arpa" },
	};
	struct ip none = { .family = IP_NONE };
	char text[128];
	struct buf b = buf_wrap(text, sizeof(text));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct ip ip;

		buf_cut(&b, 0);
		assert_true(ip_parse(span_str(vectors[i].text), &ip));
		ip_put_reverse(&b, &ip);
		assert_string_equal(text, vectors[i].want);
	}
	buf_cut(&b, 0);
	ip_put_reverse(&b, &none);
	assert_string_equal(text, "");
}

static void
rfc6890_networks(void **state)
{
	static const struct {
		const char *net;
		bool is_public;
	} vectors[] = {
		{ "10.0.0.5", false },
		{ "127.0.0.0/8", false },
		{ "126.0.0.0/7", true }, /* partly */
		{ "172.32.0.1", true },
		{ "192.168.0.0/16", false },
		{ "239.1.1.1", false },
		{ "8.8.8.8", true },
		{ "0.0.0.0/0", true },
		{ "::1", false },
		{ "::2", true },
		{ "fd00::/8", false },
		{ "fe80::1", false },
		{ "2001:4860::/32", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct ip_net net;

		assert_int_equal(
		    ip_net_parse(span_str(vectors[i].net), &net), IP_NET_OK);
		if (ip_net_is_public(&net.ip, net.bits) != vectors[i].is_public)
			fail_msg("%s", vectors[i].net);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4291_2_2_and_5952_4),
		cmocka_unit_test(refused),
		cmocka_unit_test(one_family_only),
		cmocka_unit_test(networks),
		cmocka_unit_test(inside),
		cmocka_unit_test(rfc6890_networks),
		cmocka_unit_test(sockaddrs),
		cmocka_unit_test(reverse_names),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
