-- A role for Grafana. It may read only the tables that the dashboard reports.json
-- uses; these do not include addresses that bounced.
--
--	psql -d avouch -f reader.sql
--	psql -d avouch -c '\password avouch_grafana'
--
-- Run it again after an upgrade of avouch that changed the tables.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'avouch_grafana') THEN
		CREATE ROLE avouch_grafana LOGIN;
	END IF;
END
$$;
ALTER ROLE avouch_grafana SET default_transaction_read_only = on;
ALTER ROLE avouch_grafana SET statement_timeout = '60s';
GRANT USAGE ON SCHEMA avouch TO avouch_grafana;
GRANT SELECT ON avouch.received, avouch.received_row, avouch.kept, avouch.policy,
	avouch.source, avouch.shape, avouch.report, avouch.host TO avouch_grafana;
GRANT SELECT (id, report, state) ON avouch.delivery TO avouch_grafana;
