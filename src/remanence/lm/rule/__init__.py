"""What Rules is made of: sentences, people, days, statements, names, centrality."""
