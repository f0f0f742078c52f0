DROP FUNCTION app.draw_quotas(bytea[], integer[], integer[], bigint[]);
DROP TABLE app.quotas;
