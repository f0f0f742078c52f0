DROP TABLE marketplace.job_view_totals;
DROP TABLE marketplace.job_views;
DROP TABLE marketplace.view_salts;
