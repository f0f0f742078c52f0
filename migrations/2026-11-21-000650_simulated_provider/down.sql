DROP SCHEMA simulated_provider CASCADE;
