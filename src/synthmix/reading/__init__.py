"""Reading sheets: what people say of texts when they do not know who wrote them, and how far they agree."""
