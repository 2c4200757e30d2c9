#include "dns/wire.h"

#include <ldns/ldns.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"

struct span
wire_name(struct arena *a, const struct ldns_struct_rdf *dname)
{
	const uint8_t *p = ldns_rdf_data(dname);
	const uint8_t *end = p + ldns_rdf_size(dname);
	struct buf b = buf_in(a, ldns_rdf_size(dname) + 1);

	while (p<end && * p> 0 && *p < end - p) {
		const uint8_t *next = p + 1 + *p;

		if (b.n > 0)
			buf_byte(&b, '.');
		while (++p < next)
			buf_byte(&b, *p == '.' ? '?' : (char)ascii_lower(*p));
	}
	return b.p != NULL ? buf_done(&b) : SPAN_NONE;
}

/* RFC 1035 section 3.3.14: one or more strings with a length before each. */
static bool
read_text(struct arena *a, const ldns_rr *rr, struct dns_record *out)
{
	size_t n = ldns_rr_rd_count(rr);
	size_t size = 0;

	if (n == 0 || n > WIRE_STRINGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(rdf) == 0 ||
		    ldns_rdf_data(rdf)[0] != ldns_rdf_size(rdf) - 1)
			return false;
		size += ldns_rdf_data(rdf)[0];
	}
	if (size > WIRE_TEXT_MAX)
		return false;
	struct buf b = buf_in(a, size + 1);

	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *p = ldns_rdf_data(rdf);

		buf_span(&b, span_of((const char *)p + 1, *p));
	}
	out->text = buf_done(&b);
	out->strings = (uint16_t)n;
	return b.p != NULL;
}

static bool
read_address(const ldns_rr *rr, enum ip_family family, size_t size,
    struct dns_record *out)
{
	if (ldns_rr_rd_count(rr) != 1 ||
	    ldns_rdf_size(ldns_rr_rdf(rr, 0)) != size)
		return false;
	out->ip.family = family;
	memcpy(out->ip.bytes, ldns_rdf_data(ldns_rr_rdf(rr, 0)), size);
	return true;
}

static bool
read_name(struct arena *a, const ldns_rr *rr, size_t at, struct dns_record *out)
{
	if (ldns_rr_rd_count(rr) <= at ||
	    ldns_rdf_get_type(ldns_rr_rdf(rr, at)) != LDNS_RDF_TYPE_DNAME)
		return false;
	out->text = wire_name(a, ldns_rr_rdf(rr, at));
	return out->text.p != NULL;
}

bool
wire_record(
    struct arena *a, const struct ldns_struct_rr *rr, struct dns_record *out)
{
	*out = (struct dns_record){ 0 };
	switch ((enum dns_type)ldns_rr_get_type(rr)) {
	case DNS_A:
		return read_address(rr, IP_V4, 4, out);
	case DNS_AAAA:
		return read_address(rr, IP_V6, 16, out);
	case DNS_MX:
		if (ldns_rr_rd_count(rr) != 2 ||
		    ldns_rdf_size(ldns_rr_rdf(rr, 0)) != 2)
			return false;
		out->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		return read_name(a, rr, 1, out);
	case DNS_TXT:
		return read_text(a, rr, out);
	case DNS_NS:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_PTR:
		return read_name(a, rr, 0, out);
	}
	return false;
}
