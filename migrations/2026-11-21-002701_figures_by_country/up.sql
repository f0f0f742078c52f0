-- A country or a currency alone, of which there may be few figures or none, is found without reading the others.
CREATE INDEX market_figures_of_country ON marketplace.market_figures (country, month DESC, id DESC);
CREATE INDEX market_figures_of_currency ON marketplace.market_figures (currency, month DESC, id DESC);
