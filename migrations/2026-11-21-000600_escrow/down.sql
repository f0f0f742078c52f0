DROP SCHEMA escrow CASCADE;

DO $$
DECLARE
    ledger text := current_setting('fairtrade.ledger_role');
BEGIN
    EXECUTE format('REVOKE SELECT ON app.clock_offset FROM %I', ledger);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION app.clock() FROM %I', ledger);
    EXECUTE format('REVOKE USAGE ON SCHEMA app FROM %I', ledger);
END
$$;
