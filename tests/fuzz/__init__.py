"""Parsers and readers on texts that hypothesis makes up."""
