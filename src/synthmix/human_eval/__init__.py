"""Human evaluation sheets: what raters say of texts when they do not know who wrote them, and how far they agree."""
