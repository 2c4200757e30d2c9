#include "tests/support/ldns_cost.h"

#include <ldns/ldns.h>

/* names that the linker's --wrap expects */
ldns_status __real_ldns_wire2rr(ldns_rr **rr, const uint8_t *packet, size_t n,
    size_t *at, ldns_pkt_section section);
ldns_status __wrap_ldns_wire2rr(ldns_rr **rr, const uint8_t *packet, size_t n,
    size_t *at, ldns_pkt_section section);

static _Thread_local struct ldns_cost cost;

void
ldns_cost_begin(void)
{
	cost = (struct ldns_cost){ 0 };
}

struct ldns_cost
ldns_cost_end(void)
{
	return cost;
}

ldns_status
__wrap_ldns_wire2rr(ldns_rr **rr, const uint8_t *packet, size_t n, size_t *at,
    ldns_pkt_section section)
{
	ldns_status status = __real_ldns_wire2rr(rr, packet, n, at, section);

	cost.records++;
	if (status == LDNS_STATUS_OK)
		cost.fields += ldns_rr_rd_count(*rr);
	return status;
}
