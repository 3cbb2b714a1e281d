-- The ledger in PostgreSQL. The archiver only inserts, so give its role nothing more:
--   GRANT INSERT, SELECT ON ledger TO archiver;

-- Archivers that start at the same time create it one after the other: IF NOT EXISTS alone fails then.
SELECT pg_advisory_xact_lock(hashtext('ledger archive'));

CREATE TABLE IF NOT EXISTS ledger (
  -- Both parts of the id in the Redis stream: the time in ms, and a number.
  ms bigint NOT NULL,
  place bigint NOT NULL,
  at timestamptz,
  kind text NOT NULL,
  tenant_id text,
  record_id text,
  -- The entry as `verification-subgraph audit` prints it, to the byte: its hash continues the chain.
  line text NOT NULL,
  PRIMARY KEY (ms, place)
);

CREATE INDEX IF NOT EXISTS ledger_record ON ledger (record_id);
CREATE INDEX IF NOT EXISTS ledger_tenant_at ON ledger (tenant_id, at);

-- An export for `verification-subgraph audit verify` and `costs --file`, with the line that ends it.
CREATE OR REPLACE VIEW ledger_export AS
SELECT ms, place, line FROM ledger
UNION ALL
SELECT 9223372036854775807, 0, json_build_object(
  'kind', 'export_end', 'status', 'whole', 'count', (SELECT count(*) FROM ledger)::text,
  'seq', last.line::json ->> 'seq', 'chain', last.line::json ->> 'chain')::text
FROM (SELECT line FROM ledger ORDER BY ms DESC, place DESC LIMIT 1) AS last;
